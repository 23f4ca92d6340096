import { Feed } from '../feed/feed.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId, type StoredMessage } from '../protocol/message.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import { v3MessageRow } from '../protocol/v3Frames.ts';
import { systemClock } from '../resilience/clock.ts';
import type { LogPosition } from '../store/messageLog.ts';
import type { Store } from '../store/store.ts';
import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import { messageText } from './messageText.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { invalidSetting, setting } from './settings.ts';
import { stopSignal } from './stopSignal.ts';

export interface TailOptions {
  readonly store?: string;
  readonly after?: string;
  readonly json?: boolean;
}

export const ends: readonly PlanStatus[] = ['completed', 'failed', 'rejected', 'canceled'];
/** How late the end of a plan may be noticed, in ms. */
const lookForEndMs = 250;

/**
 * `indelible tail <plan>`: the messages of a plan, those that are there and those that come, in order, once, until the
 * plan has ended and all of it was shown. Reads the log the way a server does, from whichever process it is written.
 */
export async function tail(
  given: string,
  options: TailOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const planId = checkId(given, 'plan');
  const sequence = options.after === undefined ? 0 : sequenceNumber(options.after);
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  try {
    if ((await store.plans.find(planId)) === undefined) throw noPlan(planId, store);
    const stop = AbortSignal.any([stopSignal(), output.readerGone]);
    const plan = await follow(store, planId, sequence, stop, (message) => {
      if (options.json) output.json(v3MessageRow(message));
      else output.line(`${messageText(toAgentMessage(message), output.paint)}\n`);
    });
    if (plan !== undefined && !options.json)
      output.note(`The plan is ${plan.status}, with ${messages(plan.messageCount)}.`);
    return 0;
  } finally {
    await store.close();
  }
}

export function noPlan(planId: string, { description }: Store): IndelibleError {
  return new IndelibleError('plan_not_found', { message: `${description} holds no plan ${planId}`, field: 'plan' });
}

/** Answers the plan when it has ended and all its messages were shown, or `undefined` when stopped. */
async function follow(
  store: Store,
  planId: string,
  sequence: number,
  stop: AbortSignal,
  show: (message: StoredMessage) => void,
): Promise<Plan | undefined> {
  const feed = new Feed({ log: store.log });
  // Who begins in the middle wants what is new, not the edits of what was before.
  const revision = sequence === 0 ? 0 : (await head(store, planId)).revision;
  let dropped: unknown;
  const subscription = feed.subscribe(
    planId,
    { sequence, revision },
    {
      messages: (messages) => messages.forEach(show),
      updates: (messages) => messages.forEach(show),
      dropped: (reason) => {
        dropped = reason;
      },
    },
  );
  try {
    while (!stop.aborted) {
      if (dropped !== undefined) throw dropped;
      const plan = await store.plans.find(planId);
      // In this order: whatever is stored before a plan is called ended is in the log by now.
      if (plan !== undefined && ends.includes(plan.status) && isAt(subscription.position, await head(store, planId)))
        return plan;
      await pause(stop);
    }
    return undefined;
  } finally {
    feed.close();
  }
}

async function head(store: Store, planId: string): Promise<LogPosition> {
  return (await store.log.heads([planId])).get(planId) ?? { sequence: 0, revision: 0 };
}

function isAt(position: LogPosition, head: LogPosition): boolean {
  return position.sequence >= head.sequence && position.revision >= head.revision;
}

export function pause(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      cancel();
      stop.removeEventListener('abort', go);
      resolve();
    };
    const cancel = systemClock.schedule(lookForEndMs, go);
    stop.addEventListener('abort', go, { once: true });
    if (stop.aborted) go();
  });
}

function sequenceNumber(value: string): number {
  const sequence = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (sequence >= 0) return sequence;
  throw invalidSetting('--after', `is ${JSON.stringify(value)}; it must be the sequence of a message, or 0`);
}
