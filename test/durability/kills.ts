import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import { rowsOf, violationsOf } from '../postgres/violationsOf.ts';
import { acknowledgedIn, historyOf, type ToldFile } from './told.ts';
import { WriterProcess } from './writerProcess.ts';

/** Whom `kill -9` hits. */
export type Victim = 'app' | 'backend' | 'postmaster';

export interface KillsOptions {
  readonly server: PostgresServer;
  readonly database: string;
  readonly victims: readonly Victim[];
  readonly kills: number;
  readonly seed: number;
  /** For a control: the writers acknowledge before they commit, by so many ms. */
  readonly early?: number;
}

/**
 * Two processes save to the same plans of PostgreSQL; at random moments one of them is killed, or the backends that serve
 * them, or the postmaster. Each time, when the database is back, all that was acknowledged before the kill must be in it.
 * Answers what is not, and how often which was killed.
 */
export async function killAtRandom({ server, database, victims, kills, seed, early }: KillsOptions) {
  const random = new SeededRandom(seed);
  const place = mkdtempSync(join(tmpdir(), 'indelible-kills-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const url = await server.createDatabase(database);
  const told: ToldFile[] = [];
  const start = () => {
    const name = `w${told.length + 1}`;
    const writer = new WriterProcess({
      store: url,
      told: join(place, `${name}.jsonl`),
      name,
      planIds: ['a', 'b'],
      seed: random.below(2 ** 32),
      contentLength: 4_000,
      pauseMs: 60,
      ...(early !== undefined && { early }),
    });
    told.push(writer.told);
    return writer;
  };
  const writers = oneTo(2).map(start);
  const violations: string[] = [];
  const killed = { app: 0, backend: 0, postmaster: 0 };
  for (let kill = 1; kill <= kills; kill++) {
    await Promise.all(writers.map((writer) => writer.goesOn(1 + random.below(20))));
    await sleep(random.next() * 30);
    // Each at least once.
    const victim = victims[kill - 1] ?? random.pick(victims);
    const known = told.map((file) => file.read().length);
    if (victim === 'app') await writers[random.below(2)]?.kill();
    if (victim === 'backend') killed.backend += await killOneBackend(server, database, random);
    else killed[victim]++;
    if (victim === 'postmaster') {
      await server.kill();
      await sleep(random.below(50));
      await server.start();
    }
    await server.ready();
    const said = () => historyOf(told.map((file, index) => ({ lines: file.read(), known: known[index] ?? 0 })));
    const rows = await rowsOf(said(), url);
    // What was read may have been handed over meanwhile.
    violations.push(
      ...said()
        .violations(rows)
        .map((violation) => `kill ${kill}, ${victim}: ${violation}`),
    );
    writers.forEach((writer, index) => {
      if (writer.isOver) writers[index] = start();
    });
  }
  await Promise.all(writers.map((writer) => writer.goesOn(1)));
  const codes = await Promise.all(writers.map((writer) => writer.stop()));
  const all = told.map((file) => file.read()).map((lines) => ({ lines, known: lines.length }));
  violations.push(...(await violationsOf(historyOf(all), url)));
  const acknowledged = all.reduce((sum, { lines }) => sum + acknowledgedIn(lines), 0);
  return { violations, killed, acknowledged, codes };
}

/** Answers how many: none if it went by itself meanwhile. */
async function killOneBackend(server: PostgresServer, database: string, random: SeededRandom): Promise<number> {
  const backends = (await server.backends()).filter((backend) => backend.database === database);
  const chosen = random.pick(backends);
  return (await server.killBackends(({ pid }) => pid === chosen.pid)).length;
}
