import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { breakDisk } from '../durability/brokenDisk.ts';
import { openOnFailingDisk, saveOnFailingDisk } from '../durability/failingDisk.ts';
import { fillDisk } from '../durability/fullDisk.ts';
import { killAtRandom } from '../durability/kills.ts';
import { loopMounts, memoryMounts, tracing } from '../durability/machine.ts';
import { cutPower } from '../durability/powerCuts.ts';
import { restartInTurn } from '../durability/restarts.ts';
import { spool } from '../durability/spoolFile.ts';
import { sqlite } from '../durability/sqliteFile.ts';
import type { FailingCalls } from '../durability/strace.ts';
import { seed } from '../postgres/seed.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

const because = `SEED=${seed}`;
const seeds = (count: number) => oneTo(count).map((number) => seed + number);
const loops = loopMounts();
const memory = memoryMounts();
const strace = tracing();

describe.each([
  ['P2: *stored* on SQLite', sqlite],
  ['P3: *spooled*', spool],
])('%s survives power cuts', (_, durable) => {
  it.skipIf(!loops.able).each(['lost', 'kept'] as const)(
    `200 of them, the cache of the disk %s${loops.leftOut}`,
    async (cache) => {
      for (const one of seeds(10)) {
        const { violations } = await cutPower({ durable, cuts: 20, cache, seed: one, disk: { megabytes: 96 } });
        expect(violations, `SEED=${one}`).toEqual([]);
      }
    },
  );
});

describe.each([sqlite, spool])(
  'P11: ENOSPC and EIO give an error, never a false acknowledgement, on $name,',
  (durable) => {
    it.skipIf(!strace.able)(`at writes and fsyncs of 200 processes${strace.leftOut}`, async () => {
      const { violations, failed } = await saveOnFailingDisk({ durable, rounds: 200, seed });
      expect(violations, because).toEqual([]);
      expect(failed).toBeGreaterThan(200);
    });

    it.skipIf(!strace.able)(`at each call to the kernel with which a file is made${strace.leftOut}`, async () => {
      const calls: FailingCalls[] = [
        ...oneTo(50).flatMap((first) =>
          (['EIO', 'ENOSPC'] as const).map((error) => ({ call: 'pwrite64' as const, error, first })),
        ),
        ...oneTo(8).map((first) => ({ call: 'fsync' as const, error: 'EIO' as const, first })),
        ...oneTo(2).map((first) => ({ call: 'ftruncate' as const, error: 'EIO' as const, first })),
      ];
      for (const call of calls) {
        const { violations } = await openOnFailingDisk(durable, call, seed);
        expect(violations, `${JSON.stringify(call)} ${because}`).toEqual([]);
      }
    });
  },
);

describe('P11: a disk that is full or breaks gives an error, never a false acknowledgement,', () => {
  it.skipIf(!memory.able)(`on 20 disks that are full for a while${memory.leftOut}`, async () => {
    for (const one of seeds(20)) {
      const { violations } = await fillDisk({ seed: one, killed: one % 2 === 0 });
      expect(violations, `SEED=${one}`).toEqual([]);
    }
  });

  it.skipIf(!loops.able)(`on 20 disks that break${loops.leftOut}`, async () => {
    for (const one of seeds(20)) {
      const { violations } = await breakDisk({ seed: one });
      expect(violations, `SEED=${one}`).toEqual([]);
    }
  });
});

describe('P1: *stored* on PostgreSQL survives kill -9', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  it('150 times: of apps, backends and the postmaster, at random under load', async () => {
    const victims = ['app', 'backend', 'postmaster'] as const;
    const { violations, killed } = await killAtRandom({ server, database: 'killed', victims, kills: 150, seed });
    expect(violations, because).toEqual([]);
    expect(Math.min(...Object.values(killed))).toBeGreaterThan(20);
  });
});

describe.each(storesUnderTest)('P15: SIGTERM to `serve` on $name, under load', ({ create }) => {
  it('100 restarts of two servers in turn: drained, sockets closed with 1001, gone within 10 s, one log', async () => {
    const database = await create();
    onTestFinished(() => database.drop());
    const report = await restartInTurn({ store: database.address, restarts: 100, seed });
    expect(report.violations, because).toEqual([]);
    expect(report.counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(new Set(report.codes)).toEqual(new Set([0]));
    expect(new Set(report.closeCodes)).toEqual(new Set([1001]));
    expect(report.slowestMs).toBeLessThan(10_000);
  });
});
