import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { ServerProcess } from '../postgres/serverProcess.ts';
import { rowsOf } from '../postgres/violationsOf.ts';
import { makeTables, type Outage } from './restarts.ts';
import { historyOf, ToldFile } from './told.ts';

const hastyTeam = fileURLToPath(new URL('hastyTeam.ts', import.meta.url));
const drainedWithinMs = 20_000;

/**
 * Tells a server to end while its agents hand over messages and the database is away; a moment later it is back. Answers
 * which messages are not in the database then, in the process's own time or after the next start: it has drained them,
 * or left them on disk.
 */
export async function endInOutage(store: string, outage: Outage, args: readonly string[]) {
  const place = mkdtempSync(join(tmpdir(), 'indelible-hasty-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const told = new ToldFile(join(place, 'told.jsonl'));
  await makeTables(store);
  const options = { store, environment: { TOLD: told.path }, args: ['--team', hastyTeam, ...args] };
  const server = await ServerProcess.start(options);
  onTestFinished(() => server.kill());
  await fetch(`${server.url}/api/v3/process_request`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ description: 'Hurry', team_id: 'hasty' }),
  });
  const settled = (wanted: (status: string) => boolean) =>
    told.read().some((line) => 'settled' in line && wanted(line.status));
  while (!settled((status) => status === 'stored')) await sleep(10);
  await outage.begin();
  while (!settled((status) => status !== 'stored')) await sleep(10);
  const ending = server.stop();
  await sleep(1_500);
  await outage.end();
  const code = await ending;
  await server.start();
  const lines = told.read().map((line) => ('settled' in line ? { ...line, status: 'spooled' as const } : line));
  const handedOver = lines.filter((line) => 'submit' in line).length;
  const history = historyOf([{ lines, known: lines.length }]);
  const deadline = performance.now() + drainedWithinMs;
  const ids = new Set(lines.map((line) => ('submit' in line ? line.submit.messageId : '')));
  for (;;) {
    // Without the runner's own: that the run is over.
    const rows = (await rowsOf(history, store)).filter(({ messageId }) => ids.has(messageId));
    if (rows.length === handedOver || performance.now() > deadline) {
      return { violations: history.violations(rows), missing: handedOver - rows.length, handedOver, code };
    }
    await sleep(200);
  }
}
