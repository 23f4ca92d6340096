import { jsonSchema, parseJsonEventStream } from 'ai';
import { IndelibleError } from '../protocol/errors.ts';
import type { WireMessageBody } from '../protocol/messageBytes.ts';
import type { Clock } from '../resilience/clock.ts';
import type { DraftPiece } from './aiSdkReplay.ts';

/** The frames of `indelible.v1` (PROTOCOL.md) that a chat is made of; others are passed over. */
export type PlanFrame =
  | { readonly type: 'message'; readonly message: WireMessageBody; readonly cursor?: string }
  | ({ readonly type: 'draft' } & DraftPiece)
  | { readonly type: 'caught_up'; readonly cursor: string }
  /** Stands behind what was being written when the plan was subscribed to. */
  | { readonly type: 'read' }
  | { readonly type: 'reset' };

export interface PlanEventsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Opens the plan's events behind a cursor. */
  readonly open: (after: string | undefined) => Promise<Response>;
}

const frame = jsonSchema<PlanFrame>({});
const retryDelayMs = 500;
const maxRetries = 10;

/**
 * The events of a plan, from its beginning. A connection that breaks is opened again behind the latest cursor, so frames
 * may come twice but none is missed; the tenth failure in a row, and an answer that will not change, is an error.
 *
 * @throws IndelibleError `server_unreachable`, `log_replaced`
 */
export async function* planEvents({ clock, signal, open }: PlanEventsOptions): AsyncGenerator<PlanFrame, void> {
  let after: string | undefined;
  for (let failures = 0; ; ) {
    try {
      const response = await open(after);
      if (!response.ok || response.body === null) throw refusal(response);
      // By its reader: not every browser iterates over streams.
      const reader = parseJsonEventStream({ stream: response.body, schema: frame }).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const result = read.value;
        if (!result.success) continue;
        if (result.value.type === 'reset') throw new IndelibleError('log_replaced');
        failures = 0;
        if ('cursor' in result.value) after = result.value.cursor ?? after;
        yield result.value;
      }
    } catch (cause) {
      signal.throwIfAborted();
      if (IndelibleError.is(cause) && cause.code !== 'store_unavailable') throw cause;
      if (failures >= maxRetries) throw new IndelibleError('server_unreachable', { cause });
    }
    failures++;
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(retryDelayMs * Math.min(failures, 10), resolve);
      signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}

/** 5xx and 429 may pass; anything else will be the same the next time. */
function refusal({ status }: Response): IndelibleError {
  const message = `the server answered ${status}`;
  return new IndelibleError(status >= 500 || status === 429 ? 'store_unavailable' : 'server_unreachable', { message });
}
