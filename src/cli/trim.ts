import { checkId } from '../protocol/message.ts';
import { confirmed } from './confirmation.ts';
import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { count, invalidSetting, setting } from './settings.ts';
import { noPlan } from './tail.ts';
import { onOneLine } from './terminalText.ts';

export interface TrimOptions {
  readonly store?: string;
  readonly upTo?: string;
  readonly keep?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * `indelible trim <plan> --up-to n | --keep n`: removes the oldest messages of a plan, for good, after it was confirmed.
 * The others keep their places, and the next message is numbered as if none had gone.
 */
export async function trim(
  given: string,
  options: TrimOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const planId = checkId(given, 'plan');
  const wanted = wantedEnd(options);
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  try {
    if ((await store.plans.find(planId)) === undefined) throw noPlan(planId, store);
    const head = (await store.log.heads([planId])).get(planId)?.sequence ?? 0;
    const before = await store.log.trim(planId, 0);
    const end = Math.min(head, wanted(head));
    const going = Math.max(0, end - before);
    const question = `Remove ${messages(going)} of ${onOneLine(planId)}, up to number ${end}, for good?`;
    if (going > 0 && !options.yes && !(await confirmed(question, output))) {
      output.note('Nothing was removed.');
      return 1;
    }
    const trimmed = going > 0 ? await store.log.trim(planId, end) : before;
    if (options.json) {
      output.json(JSON.stringify({ plan_id: planId, removed: trimmed - before, trimmed, kept: head - trimmed }));
    } else {
      const left =
        head === trimmed ? 'none is left' : `${messages(head - trimmed)} left, from number ${trimmed + 1} on`;
      output.line(`Removed ${messages(trimmed - before)} of ${onOneLine(planId)}; ${left}.`);
    }
    return 0;
  } finally {
    await store.close();
  }
}

/** Up to where to trim a plan that ends at `head`. */
function wantedEnd({ upTo, keep }: TrimOptions): (head: number) => number {
  if (upTo !== undefined && keep === undefined) {
    const end = count(upTo, '--up-to');
    return () => end;
  }
  if (keep !== undefined && upTo === undefined) {
    const kept = keep === '0' ? 0 : count(keep, '--keep');
    return (head) => Math.max(0, head - kept);
  }
  throw invalidSetting('--up-to', upTo === undefined ? 'or --keep must be given' : 'and --keep exclude each other');
}
