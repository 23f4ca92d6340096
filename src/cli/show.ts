import { toAgentMessage } from '../protocol/agentMessage.ts';
import { checkId } from '../protocol/message.ts';
import { v3MessageRow } from '../protocol/v3Frames.ts';
import { readAll } from '../store/readAll.ts';
import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import { messageText } from './messageText.ts';
import type { Output } from './output.ts';
import { planHeading, planObject } from './planText.ts';
import { setting } from './settings.ts';
import { noPlan } from './tail.ts';

export interface ShowOptions {
  readonly store?: string;
  readonly json?: boolean;
}

/** `indelible show <plan>`: a plan and all its messages, as the store holds them now. */
export async function show(
  given: string,
  options: ShowOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const planId = checkId(given, 'plan');
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  try {
    const plan = await store.plans.find(planId);
    if (plan === undefined) throw noPlan(planId, store);
    if (options.json) {
      const rows = await Array.fromAsync(readAll(store.log, planId), v3MessageRow);
      output.json(`{"plan":${JSON.stringify(planObject(plan))},"messages":[${rows.join(',')}]}`);
      return 0;
    }
    output.line(planHeading(plan, output.paint));
    for await (const message of readAll(store.log, planId)) {
      if (output.readerGone.aborted) return 0;
      output.line();
      output.line(messageText(toAgentMessage(message), output.paint));
    }
    return 0;
  } finally {
    await store.close();
  }
}
