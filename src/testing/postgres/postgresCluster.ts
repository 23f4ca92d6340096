import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IndelibleError } from '../../protocol/errors.ts';
import { loopback } from '../freePort.ts';
import { type PostgresBinaries, serverEnvironment } from './postgresBinaries.ts';
import type { Account } from './serverAccount.ts';
import type { ServerFolder } from './serverFolder.ts';

const execute = promisify(execFile);
const patienceMs = 30_000;

/** Settings of postgresql.conf. */
export type PostgresSettings = Readonly<Record<string, string | number>>;

/** No traces outside of its folder: no socket in /tmp, no segments in /dev/shm that a killed server would leave there. */
const ownSettings: PostgresSettings = {
  listen_addresses: loopback,
  unix_socket_directories: '',
  dynamic_shared_memory_type: 'mmap',
  max_connections: 200,
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Makes the files of a new server. The order of collation C is that of bytes, the same on every machine. */
export async function makePostgresCluster(
  { initdb }: PostgresBinaries,
  account: Account | undefined,
  folder: ServerFolder,
  settings: PostgresSettings,
): Promise<void> {
  const how = ['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  try {
    const options = { ...account, cwd: folder.path, env: serverEnvironment, timeout: patienceMs };
    await execute(initdb, ['-D', folder.data, ...how], options);
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr ?? '');
    throw new IndelibleError('store_unavailable', { message: `initdb failed: ${said}`, cause });
  }
  const lines = Object.entries({ ...ownSettings, ...settings }).map(([name, value]) => `${name} = ${quoted(value)}`);
  appendFileSync(join(folder.data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
}

function quoted(value: string | number): string {
  return `'${String(value).replaceAll("'", "''")}'`;
}
