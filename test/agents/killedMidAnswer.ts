import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Indelible } from '../../src/agents/indelible.ts';
import { DraftRecovery } from '../../src/persistence/draftRecovery.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

const program = fileURLToPath(new URL('./answeringProcess.ts', import.meta.url));

export interface Killed {
  /** All that it said it would stream; the last piece may not have been streamed. */
  readonly streamed: string;
  /** Characters that the database had acknowledged. */
  readonly acknowledged: number;
  /** Writes that were acknowledged. */
  readonly writes: number;
}

/** Starts an agent that answers, and kills it with SIGKILL at some moment after `writes` writes and `afterMs` more. */
export async function killMidAnswer(
  address: string,
  { mode = 'coalesced', writes, afterMs }: { mode?: 'coalesced' | 'control'; writes: number; afterMs: number },
): Promise<Killed> {
  const child: ChildProcess = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    address,
    mode,
  ]);
  let said = '';
  let failed = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    failed += text;
  });
  const closed = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    void closed.then(() => reject(new Error(`it ended by itself: ${failed}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const seen = mode === 'control' ? /> word300 /.test(said) : (said.match(/^= /gm) ?? []).length >= writes;
      if (seen) resolve();
    });
  });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await closed;
  const lines = said.slice(0, said.lastIndexOf('\n')).split('\n');
  const acknowledgements = lines.flatMap((line) => (line.startsWith('= ') ? [Number(line.slice(2))] : []));
  return {
    streamed: lines.flatMap((line) => (line.startsWith('> ') ? [line.slice(2)] : [])).join(''),
    acknowledged: acknowledgements.at(-1) ?? 0,
    writes: acknowledgements.length,
  };
}

/** What another process makes of what the dead one left, once it is sure. */
export async function recoverFrom(store: Store): Promise<AgentMessage[]> {
  const { persistence } = new Indelible(store);
  const clock = new ManualClock(Date.now());
  const save = persistence.save.bind(persistence);
  const recovery = new DraftRecovery({ drafts: store.drafts, save, clock, observe: () => {} });
  for (let look = 0; look < 5; look++) {
    clock.advance(15_000);
    await recovery.look();
  }
  return await Array.fromAsync(readAll(store.log, 'p'), (message) => toAgentMessage(message));
}

/** What is wrong with what is left of the answer; empty if nothing is. */
export function lossesOf({ streamed, acknowledged }: Killed, messages: readonly AgentMessage[]): string[] {
  const [message] = messages;
  if (message === undefined || messages.length > 1) return [`there are ${messages.length} messages instead of one`];
  const found: string[] = [];
  const { content, messageId, metadata } = message;
  if (messageId !== 'answer' || metadata['interrupted'] !== true) found.push('it is not the answer, interrupted');
  if (!streamed.startsWith(content)) found.push('it says what was never streamed');
  if (content.length < acknowledged) found.push(`${acknowledged} characters were written, ${content.length} are there`);
  return found;
}
