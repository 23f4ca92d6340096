import { openCheckpointer } from '../agents/checkpoints/openCheckpointer.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { PlanStatus } from '../protocol/plan.ts';
import { v3MessageRow } from '../protocol/v3Frames.ts';
import { Runner } from '../runs/runner.ts';
import { logStart } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import { attend } from './attendedRun.ts';
import { commandName } from './commandName.ts';
import { endLate } from './endLate.ts';
import type { ExitCode } from './failure.ts';
import { openLogger } from './logger.ts';
import { messageText } from './messageText.ts';
import { openLog, type SpoolOptions } from './openLog.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { invalidSetting, openNamedStore, setting } from './settings.ts';
import { aborted, stopSignal, unlessAborted } from './stopSignal.ts';
import { strayErrors } from './strayErrors.ts';
import { teamNamed } from './teams.ts';
import { shownStore } from './whatToTry.ts';

export interface RunOptions extends SpoolOptions {
  readonly store?: string;
  readonly team?: string;
  readonly json?: boolean;
}

/** So long a team may take to stop, in ms. */
const heedWithinMs = 3_000;

/**
 * `indelible run "<task>"`: a plan in this process, without a server. Each message is shown when it is stored, read from
 * the log like any watcher's. The run goes on to its end although nobody reads what is shown. Told to stop, it ends
 * within 10 s, whether its team heeds that or not; of a team that does not, the plan stays in progress.
 */
export async function run(
  task: string,
  options: RunOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const logger = openLogger(output, 'warn');
  const broken = strayErrors(logger);
  const stop = AbortSignal.any([stopSignal(), broken]);
  if (task.trim() === '') throw invalidSetting('task', 'is empty');
  const address = setting('store', options.store, environment);
  const team = await unlessAborted(stop, () => teamNamed(options.team, environment));
  const store = await unlessAborted(stop, () => openNamedStore(address, environment));
  if (team === undefined || store === undefined) {
    output.note('Stopped before it began.');
    return 1;
  }
  const indelible = await openLog(store, address, options, environment, logger);
  const show = (message: StoredMessage) => {
    if (options.json) output.json(v3MessageRow(message));
    else output.line(`${messageText(toAgentMessage(message), output.paint)}\n`);
  };
  const note = (text: string) => {
    if (!options.json) output.note(text);
  };
  let late: NodeJS.Timeout | undefined;
  try {
    const runner = new Runner(indelible, [team], { checkpointer: () => openCheckpointer(address.value) });
    const cutOff = aborted(stop).then(async () => {
      note('Stopping …');
      late = endLate(logger);
      await runner.close(heedWithinMs);
      return 'cut off' as const;
    });
    const { plan, ended } = await runner.start({ description: task });
    note(`Plan ${plan.planId}, team ${team.id}, in ${store.description}\n`);
    const watching = indelible.feed.subscribe(plan.planId, logStart, {
      messages: (messages) => messages.forEach(show),
    });
    const command = commandName(process.argv[1], environment);
    const shown = shownStore(address.value);
    const inStore = shown === undefined ? '' : ` --store ${shown}`;
    const atTheEnd = ended.then(async (left) => {
      if (!left.startsWith('pending_')) return left;
      const { planId } = plan;
      const run = { runner, store, planId, command, inStore, mayAsk: !options.json };
      return (await attend(run, stop, output)) ?? left;
    });
    const end = await Promise.race([atTheEnd, cutOff]);
    const { position } = watching;
    watching.close();
    for await (const message of readAll(store.log, plan.planId, position)) show(message);
    const { messageCount } = (await store.plans.find(plan.planId)) ?? plan;
    await runner.close(heedWithinMs);
    note(`The plan ${howItEnded(end)} with ${messages(messageCount)}. To read it again:`);
    note(`  ${command} show ${plan.planId}${inStore}`);
    return end === 'completed' && !broken.aborted ? 0 : 1;
  } finally {
    await indelible.close();
    clearTimeout(late);
  }
}

function howItEnded(end: PlanStatus | 'cut off'): string {
  if (end === 'cut off') return 'stays in_progress, since its team did not stop,';
  if (end.startsWith('pending_')) return 'waits for an answer';
  return end === 'in_progress' ? 'stays in_progress, for a server that has its team to go on with it,' : `is ${end},`;
}
