import { join } from 'node:path';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import type { History } from '../../src/testing/history.ts';
import type { Durable } from './durable.ts';

/** The disk spool. Its records, in its order, are what a database would be given. */
export const spool: Durable = {
  name: 'the spool',
  address: (folder) => `spool:${file(folder)}`,
  file,
  violations: async (folder, history) => violationsInSpool(file(folder), history),
  unavailable: 'spool_unavailable',
};

function violationsInSpool(path: string, history: History): string[] {
  try {
    const opened = openSpool(path, { maxBytes: 1e9, now: Date.now });
    try {
      const sequences = new Map<string, number>();
      const rows = opened.read(1e9, 1e9).map(({ message }) => {
        const sequence = (sequences.get(message.planId) ?? 0) + 1;
        sequences.set(message.planId, sequence);
        return toAgentMessage({ ...message, sequence, version: 1, revision: 0 });
      });
      const [id] = opened.append([sample('afterwards', { planId: 'afterwards' })]);
      if (id !== undefined) opened.remove([id]);
      const found = history.violations(rows);
      return id === undefined ? [...found, 'what is spooled afterwards is not accepted'] : found;
    } finally {
      opened.close();
    }
  } catch (error) {
    return [`the spool cannot be used: ${error}`];
  }
}

function file(folder: string): string {
  return join(folder, 'log.spool');
}
