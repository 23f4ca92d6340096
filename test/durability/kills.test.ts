import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { seed } from '../postgres/seed.ts';
import { killAtRandom } from './kills.ts';

// Nothing is killed but processes, so nothing has to reach the disk.
const settings = { fsync: 'off' };
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings });
});
afterAll(() => server.close());

describe('P1: *stored* on PostgreSQL survives kill -9', { timeout: 120_000 }, () => {
  it('of apps, backends and the postmaster, at random under load', async () => {
    const victims = ['app', 'backend', 'postmaster'] as const;
    const options = { server, database: 'all', victims, kills: 8, seed };
    const { violations, killed, acknowledged, codes } = await killAtRandom(options);
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(Math.min(...Object.values(killed))).toBeGreaterThan(0);
    expect(acknowledged).toBeGreaterThan(20);
    expect(codes).toEqual([0, 0]);
  });

  it('control: an app that acknowledges before it commits is found out', async () => {
    const options = { server, database: 'early', victims: ['app'], kills: 2, seed, early: 300 } as const;
    const { violations } = await killAtRandom(options);
    expect(violations.join('\n')).toMatch(/is lost: it was acknowledged/);
  });

  it.each(['backend', 'postmaster'] as const)(
    'control: a server that answers before its log is written (synchronous_commit=off) is found out by the kill of a %s',
    async (victim) => {
      const early = await startPostgres({
        settings: { ...settings, synchronous_commit: 'off', wal_writer_delay: '10s', wal_writer_flush_after: '1GB' },
      });
      onTestFinished(() => early.close());
      const options = { server: early, database: 'early', victims: [victim], kills: 3, seed };
      const { violations } = await killAtRandom(options);
      expect(violations.join('\n')).toMatch(/is lost: it was acknowledged|moved: it was acknowledged/);
    },
  );
});
