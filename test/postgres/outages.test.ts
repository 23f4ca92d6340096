import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { administrativeOutages, networkOutages, readOnly, serverOutages } from './kindsOfOutage.ts';
import { saveThroughOutages, stateOf } from './outages.ts';
import { seed } from './seed.ts';

let server: PostgresServer;
beforeAll(async () => {
  // Nothing is killed but processes, so nothing has to reach the disk.
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

describe('P18: while messages are saved', () => {
  it.each([
    ['the server fails over, is stopped, killed and paused', 'server', serverOutages],
    ['the network resets, refuses, swallows and delays', 'network', networkOutages],
    ['the database is locked up, restored and handed over', 'administered', administrativeOutages],
  ])('%s: all is stored afterwards, once and in order, and nothing was refused', async (_, name, outages) => {
    await server.createDatabase(name);
    const { violations, counts, queued, notTold } = await saveThroughOutages({ server, database: name, outages, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(queued).toEqual([0, 0]);
    expect(notTold).toEqual([]);
  });

  it('control: a store that takes read-only for a final no loses messages', async () => {
    await server.createDatabase('control');
    const options = { server, database: 'control', outages: [readOnly], seed, spoil: refusingReadOnly };
    const { counts } = await saveThroughOutages(options);
    expect(counts.refused).toBeGreaterThan(0);
  });
});

/** What must not be. */
function refusingReadOnly(log: MessageLog): MessageLog {
  return {
    epoch: log.epoch,
    append: (batch) =>
      log.append(batch).catch((error: unknown) => {
        throw stateOf(error) === '25006' ? new IndelibleError('store_refused', { cause: error }) : error;
      }),
    update: (message, version) => log.update(message, version),
    trim: (planId, upTo) => log.trim(planId, upTo),
    find: (planId, messageId) => log.find(planId, messageId),
    read: (planId, after, limit) => log.read(planId, after, limit),
    heads: (planIds) => log.heads(planIds),
    onCommit: (listener) => log.onCommit(listener),
  };
}
