import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { seed } from '../postgres/seed.ts';
import { loopMounts } from './machine.ts';
import { cutPower } from './powerCuts.ts';
import { spool } from './spoolFile.ts';
import { sqlite } from './sqliteFile.ts';

const { able, leftOut } = loopMounts();
const synchronousNormal = fileURLToPath(new URL('synchronousNormal.ts', import.meta.url));

describe.each([
  ['P2: *stored* on SQLite', sqlite],
  ['P3: *spooled*', spool],
])('%s survives a power cut', { timeout: 120_000 }, (_, durable) => {
  it.skipIf(!able).each([
    ['that takes what the disk was not told to keep', 'lost'],
    ['in the middle of the calls to the disk', 'kept'],
  ] as const)(`%s${leftOut}`, async (_, cache) => {
    const { violations, acknowledged } = await cutPower({ durable, cuts: 6, cache, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(acknowledged).toBeGreaterThan(6);
  });

  it.skipIf(!able).each(['lost', 'kept'] as const)(
    `control: with synchronous=NORMAL messages are lost (the cache of the disk is %s)${leftOut}`,
    async (cache) => {
      const nodeOptions = ['--import', synchronousNormal];
      const { violations } = await cutPower({ durable, cuts: 2, cache, seed, nodeOptions });
      expect(violations.join('\n')).toMatch(/is lost: it was acknowledged/);
    },
  );

  it.skipIf(!able)(`control: a disk that is never told to write its cache loses messages${leftOut}`, async () => {
    const { violations } = await cutPower({ durable, cuts: 2, cache: 'lost', seed, disk: { barriers: false } });
    expect(violations.join('\n')).toMatch(/is lost: it was acknowledged/);
  });
});
