import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { allWaiting } from './spooled.ts';
import { spooledMessage } from './spooledMessage.ts';

export interface KilledSpooler {
  readonly path: string;
  readonly kills: number;
  readonly seed: number;
  /** The control: it acknowledges before the commit. */
  readonly early?: boolean;
}

export interface SpoolReport {
  readonly violations: readonly string[];
  readonly acknowledged: number;
}

const program = fileURLToPath(new URL('./spoolingProcess.ts', import.meta.url));

/**
 * Kills a process that spools, again and again at some moment under load; after each kill takes the spool over at once
 * and compares: acknowledged and not removed ⊆ there ⊆ tried and not known to be removed; in order, once, as it was.
 */
export async function killSpoolers({ path, kills, seed, early = false }: KilledSpooler): Promise<SpoolReport> {
  const random = new SeededRandom(seed);
  const log = `${path}.log`;
  const violations: string[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const before = linesOf(log).length;
    const first = Math.max(0, ...linesOf(log).map(({ numbers }) => numbers.at(-1) ?? 0)) + 1;
    const args = [program, path, log, `${first}`, `${seed * 1_000 + kill}`, ...(early ? ['early'] : [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const moment = before + 5 + random.below(120);
    while (linesOf(log).length < moment && child.exitCode === null) await pause(1);
    await pause(random.below(4));
    child.kill('SIGKILL');
    const [code] = await ended;
    if (code !== null) violations.push(`kill ${kill}: the process had ended with ${code}`);
    violations.push(...compare(path, linesOf(log)).map((what) => `kill ${kill}: ${what}`));
  }
  const acknowledged = linesOf(log).filter(({ what }) => what === 'ack');
  return { violations, acknowledged: acknowledged.reduce((sum, { numbers }) => sum + numbers.length, 0) };
}

interface Line {
  readonly what: string;
  readonly numbers: readonly number[];
}

function linesOf(log: string): Line[] {
  const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line !== '').map(parsed);
}

function parsed(line: string): Line {
  const [what = '', ...given] = line.split(' ').filter((word) => word !== '');
  const numbers = given.map(Number);
  if (what !== 'try' && what !== 'ack') return { what, numbers };
  const [from = 0, to = -1] = numbers;
  return { what, numbers: Array.from({ length: to - from + 1 }, (_, index) => from + index) };
}

function compare(path: string, lines: readonly Line[]): string[] {
  const all = (what: string) => new Set(lines.filter((line) => line.what === what).flatMap(({ numbers }) => numbers));
  const [tried, acknowledged, removing, removed] = [all('try'), all('ack'), all('remove'), all('removed')];
  const spool = openSpool(path, { maxBytes: 1e9, now: Date.now });
  try {
    const there = allWaiting(spool);
    const numbers = there.map(({ messageId }) => Number(messageId.slice(2)));
    const found = new Set(numbers);
    const violations = [
      ...[...acknowledged].filter((one) => !found.has(one) && !removing.has(one)).map((one) => `${one} is lost`),
      ...numbers.filter((one) => !tried.has(one)).map((one) => `${one} comes from nowhere`),
      ...numbers.filter((one) => removed.has(one)).map((one) => `${one} was removed and is there`),
      ...numbers
        .filter((one, index) => index > 0 && one <= (numbers[index - 1] as number))
        .map((one) => `${one} is out of order`),
      ...there
        .filter((one, index) => one.body !== spooledMessage(numbers[index] as number).body)
        .map((one) => `${one.messageId} changed`),
    ];
    if (spool.depth !== there.length) violations.push(`${spool.depth} are counted, ${there.length} there`);
    if (spool.setAsideCount > 0) violations.push(`${spool.setAsideCount} are set aside`);
    return violations;
  } finally {
    spool.close();
  }
}
