import { openIndelible } from '../agents/indelible.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { v3MessageRow } from '../protocol/v3Frames.ts';
import { Runner } from '../runs/runner.ts';
import { logStart } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import { commandName } from './commandName.ts';
import type { ExitCode } from './failure.ts';
import { openLogger } from './logger.ts';
import { messageText } from './messageText.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { invalidSetting, openNamedStore, setting } from './settings.ts';
import { stopSignal } from './stopSignal.ts';
import { teamNamed } from './teams.ts';

export interface RunOptions {
  readonly store?: string;
  readonly team?: string;
  readonly json?: boolean;
}

/**
 * `indelible run "<task>"`: a plan in this process, without a server. Each message is shown when it is stored, read from
 * the log like any watcher's. The run goes on to its end although nobody reads what is shown.
 */
export async function run(
  task: string,
  options: RunOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  if (task.trim() === '') throw invalidSetting('task', 'is empty');
  const team = await teamNamed(options.team, environment);
  const store = await openNamedStore(setting('store', options.store, environment), environment);
  const indelible = await openIndelible({ store, logger: openLogger(output, 'warn') });
  const show = (message: StoredMessage) => {
    output.line(options.json ? v3MessageRow(message) : `${messageText(toAgentMessage(message), output.paint)}\n`);
  };
  const note = (text: string) => {
    if (!options.json) output.note(text);
  };
  try {
    const runner = new Runner(indelible, [team]);
    const { plan, ended } = await runner.start({ description: task });
    note(`Plan ${plan.planId}, team ${team.id}, in ${store.description}\n`);
    const watching = indelible.feed.subscribe(plan.planId, logStart, {
      messages: (messages) => messages.forEach(show),
    });
    stopSignal().addEventListener('abort', () => {
      note('Stopping …');
      void runner.close();
    });
    const status = await ended;
    const { position } = watching;
    watching.close();
    for await (const message of readAll(store.log, plan.planId, position)) show(message);
    const { messageCount } = (await store.plans.find(plan.planId)) ?? plan;
    note(`The plan is ${status}, with ${messages(messageCount)}. To read it again:`);
    note(`  ${commandName(process.argv[1], environment)} show ${plan.planId}`);
    return status === 'completed' ? 0 : 1;
  } finally {
    await indelible.close();
  }
}
