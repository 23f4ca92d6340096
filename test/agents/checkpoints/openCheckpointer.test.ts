import { openCheckpointer } from 'indelible/langgraph';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holds } from '../../../src/agents/checkpoints/metadataFilter.ts';
import { SeededRandom } from '../../../src/testing/contract/seededRandom.ts';
import { execute } from '../../postgres/database.ts';
import { testPostgres } from '../../postgres.ts';

it.each(['mysql://somebody:secret@host/db', 'sqlite:', '/a/path'])('%s names no database', async (address) => {
  const error = await openCheckpointer(address).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'invalid_config' });
  expect(error.message).not.toContain('secret');
});

describe('P21: a filter of metadata finds the same on both databases', () => {
  it('as PostgreSQL decides, for 500 random values', async () => {
    const { url, drop } = await testPostgres();
    onTestFinished(drop);
    const random = new SeededRandom(21);
    const pairs = Array.from({ length: 500 }, () => [{ m: anyJson(random, 3) }, { m: anyJson(random, 3) }] as const);
    const list = pairs.map((pair) => `('${JSON.stringify(pair).replaceAll("'", "''")}'::jsonb)`).join();
    const rows = await execute<{ found: boolean }>(
      url,
      `SELECT pair -> 0 @> (pair -> 1) AS found FROM (VALUES ${list}) AS pairs (pair)`,
    );
    expect(pairs.map(([metadata, filter]) => holds(metadata, filter))).toEqual(rows.map(({ found }) => found));
    const found = rows.filter((row) => row.found).length;
    expect(found).toBeGreaterThan(50);
    expect(found).toBeLessThan(450);
  });

  it('and an undefined member asks for nothing', () => {
    expect(holds({ source: 'loop' }, { source: 'loop', step: undefined })).toBe(true);
    expect(holds({ source: 'loop' }, { toString: Object.prototype.toString })).toBe(false);
  });
});

/** Of few different values, so that many are found in others. */
function anyJson(random: SeededRandom, depth: number): unknown {
  const items = () => Array.from({ length: random.below(3) }, () => anyJson(random, depth - 1));
  const kind = random.below(depth > 0 ? 6 : 4);
  if (kind === 4) return items();
  if (kind === 5) return Object.fromEntries(items().map((item) => [random.pick(['a', 'b']), item]));
  return [null, true, 1, 'a'][kind];
}
