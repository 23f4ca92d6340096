import type { ServerFrame } from '../protocol/liveFrames.ts';
import type { Connection } from './connection.ts';

/**
 * Which plans the server was asked to show on this connection. A plan that is let go and watched again at once is given
 * nothing of its first subscription: what is still on its way is passed over until the server says that it has ended.
 */
export class Subscriptions {
  readonly #connection: Pick<Connection, 'send'>;
  /** How many `unsubscribed` are to come. */
  readonly #ending = new Map<string, number>();

  constructor(connection: Pick<Connection, 'send'>) {
    this.#connection = connection;
  }

  begin(planId: string, after: string | undefined): void {
    this.#connection.send({ type: 'subscribe', plan_id: planId, ...(after !== undefined && { after }) });
  }

  end(planId: string): void {
    this.#ending.set(planId, (this.#ending.get(planId) ?? 0) + 1);
    this.#connection.send({ type: 'unsubscribe', plan_id: planId });
  }

  read(planId: string, sequence: number): void {
    this.#connection.send({ type: 'read', plan_id: planId, sequence });
  }

  /** The plan whose watchers the frame is for, if it is for any. */
  planOf(frame: ServerFrame): string | undefined {
    if (!('plan_id' in frame) || frame.plan_id === undefined) return undefined;
    const ending = this.#ending.get(frame.plan_id) ?? 0;
    if (frame.type !== 'unsubscribed') return ending === 0 ? frame.plan_id : undefined;
    if (ending > 1) this.#ending.set(frame.plan_id, ending - 1);
    else this.#ending.delete(frame.plan_id);
    return undefined;
  }

  /** There is another connection: what was asked for on the one before is over. */
  forget(): void {
    this.#ending.clear();
  }
}
