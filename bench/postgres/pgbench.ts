import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { prepareMessage } from '../../src/protocol/message.ts';
import { Workload } from '../workload.ts';

const execute = promisify(execFile);

const script = `
\\set n :n + 1
\\set plan random(0, 99)
\\set sequence :client_id * 100000000 + :n
INSERT INTO indelible.messages (plan_id, sequence, message_id, version, revision, body)
VALUES ('plan-' || lpad(:plan, 6, '0'), :sequence, '019ac000-0000-7000-8000-' || lpad(:sequence, 12, '0'), 1, 0, :body);
`;

/** PostgreSQL's own bench, if it is installed: on the PATH, or where Debian puts it. */
export function findPgbench(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'pgbench'));
  return [...onPath, ...globSync('/usr/lib/postgresql/*/bin/pgbench').toReversed()].find((path) => existsSync(path));
}

/** Rows per second, each inserted by a prepared statement of its own on one of `clients` connections. */
export async function pgbench(path: string, url: string, clients: number, seconds: number): Promise<number> {
  const directory = mkdtempSync('node_modules/.cache/pgbench-');
  const file = join(directory, 'insert.sql');
  const { body } = prepareMessage(new Workload(100).message(0), { now: Date.now });
  try {
    writeFileSync(file, script);
    const load = ['-c', String(clients), '-j', String(availableParallelism()), '-T', String(Math.ceil(seconds))];
    const variables = ['-D', 'n=0', '-D', `body=${body}`];
    const { stdout } = await execute(path, ['-n', '-M', 'prepared', ...load, ...variables, '-f', file, url]);
    const [, perSecond] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
    if (perSecond === undefined) throw new Error(`pgbench said:\n${stdout}`);
    return Number(perSecond);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
