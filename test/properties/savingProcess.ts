import { openIndelible } from '../../src/agents/indelible.ts';
import type { NewMessage } from '../../src/protocol/message.ts';

/** What a process that saves is told to do at the same time; it answers one outcome for each. */
export interface Work {
  /** One wave at a time: the next is saved when the one before was answered. */
  readonly waves: readonly (readonly NewMessage[])[];
  readonly updates: readonly Update[];
}

export interface Update {
  readonly planId: string;
  readonly messageId: string;
  readonly expectedVersion: number;
  readonly content: string;
}

export interface Done {
  /** Wave by wave. */
  readonly saves: readonly Outcome[];
  readonly updates: readonly Outcome[];
}

export interface Outcome {
  readonly status: 'stored' | 'spooled' | 'pending' | 'refused' | 'updated';
  readonly duplicate?: boolean;
  readonly sequence?: number;
  readonly version?: number;
  readonly code?: string;
}

/** A process of its own, with a log of its own on the database named by its argument. */
const indelible = await openIndelible({ store: process.argv[2] as string, persistence: { deadlineMs: 20_000 } });

process.on('message', async ({ waves, updates }: Work) => {
  const [saves, updated] = await Promise.all([saveAll(waves), Promise.all(updates.map(update))]);
  process.send?.({ saves, updates: updated } satisfies Done);
});
process.on('disconnect', () => void indelible.close());
process.send?.('ready');

async function saveAll(waves: Work['waves']): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const wave of waves) outcomes.push(...(await Promise.all(wave.map(save))));
  return outcomes;
}

async function save(message: NewMessage): Promise<Outcome> {
  const result = await indelible.save(message);
  return result.status === 'stored'
    ? { status: result.status, duplicate: result.duplicate, sequence: result.message.sequence }
    : { status: result.status, code: result.error.code };
}

async function update({ planId, messageId, ...change }: Update): Promise<Outcome> {
  const result = await indelible.persistence.updateMessage(planId, messageId, change);
  return result.status === 'updated'
    ? { status: result.status, version: result.message.version }
    : { status: result.status, code: result.error.code };
}
