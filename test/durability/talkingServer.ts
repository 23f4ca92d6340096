import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { History, type Submission } from '../../src/testing/index.ts';
import { ServerProcess } from '../postgres/serverProcess.ts';
import { rowsOf } from '../postgres/violationsOf.ts';
import { makeTables } from './restarts.ts';

const talkingTeam = fileURLToPath(new URL('../cli/talkingTeam.ts', import.meta.url));

/**
 * Ends a server while the agents of a run in it save, three at the same time. Answers what does not hold in the database
 * then, how many messages they had handed over, and of how many they were told what became of them.
 */
export async function stopWhileAgentsTalk(store: string, end: (server: ServerProcess) => Promise<number | null>) {
  const place = mkdtempSync(join(tmpdir(), 'indelible-talking-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const told = join(place, 'told.txt');
  await makeTables(store);
  const server = await ServerProcess.start({ store, environment: { TOLD: told }, args: ['--team', talkingTeam] });
  onTestFinished(() => server.kill());
  await fetch(`${server.url}/api/v3/process_request`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ description: 'Talk', team_id: 'talking' }),
  });
  while (linesOf(told).length < 100) await sleep(10);
  const code = await end(server);
  const history = new History();
  const submissions = new Map<string, Submission>();
  let decided = 0;
  for (const line of linesOf(told)) {
    const [what, planId = '', messageId = '', agentName = '', sequence] = line.split(' ');
    if (what === 'submit') {
      submissions.set(messageId, history.submit(agentName, { planId, messageId, agentName, content: messageId }));
    } else {
      submissions.get(messageId)?.acknowledged(Number(sequence));
      decided++;
    }
  }
  const rows = await rowsOf(history, store);
  // The runner's own: that the run is over.
  const ofAgents = rows.filter(({ messageId }) => submissions.has(messageId));
  return { violations: history.violations(ofAgents), handedOver: submissions.size, decided, code };
}

function linesOf(path: string): string[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line !== '');
}
