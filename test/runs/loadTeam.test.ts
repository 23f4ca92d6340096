import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadTeam } from '../../src/runs/teams/loadTeam.ts';
import { temporaryFolder } from './temporaryLog.ts';
test.each([
 ['syntax', 'export default {;'],
 ['throws', 'throw new Error("x")'],
 ['dep', 'import "nothing-of-the-kind"; export default 1'],
 ['none', 'export const a = 1'],
 ['string', 'export default "x"'],
])('%s', async (_n, text) => {
  const f = join(temporaryFolder(), 'my-team.mjs');
  writeFileSync(f, text);
  const e: any = await loadTeam(f).catch((e) => e);
  console.log(e.code, e.field, e.message, '|', e.cause?.name, e.cause?.code, e.cause?.stack?.slice(0, 300));
});
test('missing', async () => {
  const e: any = await loadTeam('/tmp/nope/team.js').catch((e) => e);
  console.log(e.code, e.field, e.message, '|', e.cause?.name, e.cause?.code, e.cause?.stack?.slice(0, 300));
});
