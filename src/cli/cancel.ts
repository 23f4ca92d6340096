import { Indelible } from '../agents/indelible.ts';
import { checkId } from '../protocol/message.ts';
import { Runner } from '../runs/runner.ts';
import { demoTeam } from '../runs/teams/demo.ts';
import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { setting } from './settings.ts';
import { noPlan } from './tail.ts';
import { onOneLine } from './terminalText.ts';

export interface CancelOptions {
  readonly store?: string;
  readonly json?: boolean;
}

/**
 * `indelible cancel <plan>`: ends a run, whichever process works on it: that one within a beat, one that waits for a
 * person or that nobody works on at once. What it wrote stays.
 */
export async function cancel(
  given: string,
  options: CancelOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const planId = checkId(given, 'plan');
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  const indelible = new Indelible(store);
  // Its team is not needed to end a run.
  const runner = new Runner(indelible, [demoTeam]);
  try {
    if ((await store.plans.find(planId)) === undefined) throw noPlan(planId, store);
    const outcome = await runner.cancel(planId);
    const name = onOneLine(planId);
    if (options.json) output.json(JSON.stringify({ plan_id: planId, outcome }));
    else if (outcome === 'ended') output.note(`${name} was over before.`);
    else if (outcome === 'no_run') output.note(`${name} is not a run of a team: there is nothing to cancel.`);
    else {
      const isOver = (await store.plans.find(planId))?.status === 'canceled';
      output.line(isOver ? `${name} is canceled.` : `${name} will be canceled by the process that works on it.`);
    }
    return outcome === 'canceled' ? 0 : 1;
  } finally {
    await runner.close();
    await indelible.close();
  }
}
