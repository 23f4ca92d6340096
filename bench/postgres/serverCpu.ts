import { readdirSync, readFileSync } from 'node:fs';
import { Client } from 'pg';

/** What /proc counts in, in µs: 100 a second on every Linux. */
const tick = 10_000;

interface ProcessTimes {
  readonly name: string;
  readonly parent: number;
  /** Its own and that of its children that have ended, in µs. */
  readonly cpu: number;
}

/**
 * The CPU time all processes of a PostgreSQL have used, in µs; measure twice and subtract. Undefined where they cannot be
 * seen: on another machine, in another container, on another system than Linux.
 */
export async function serverCpu(url: string): Promise<(() => number) | undefined> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const backend = timesOf(rows[0]?.pid ?? 0);
    const postmaster = backend?.parent ?? 0;
    if (backend?.name !== 'postgres' || timesOf(postmaster)?.name !== 'postgres') return undefined;
    return () => {
      // One that ends while they are read is counted twice or not at all: read again until none did.
      let before = timesOfAll(postmaster);
      for (;;) {
        const again = timesOfAll(postmaster);
        if (again.pids === before.pids) return again.cpu;
        before = again;
      }
    };
  } finally {
    await client.end();
  }
}

function timesOfAll(postmaster: number): { readonly pids: string; readonly cpu: number } {
  const parts = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), times: timesOf(Number(name)) }))
    .filter(({ pid, times }) => pid === postmaster || times?.parent === postmaster);
  return {
    pids: parts.map(({ pid }) => pid).join(' '),
    cpu: parts.reduce((sum, { times }) => sum + (times?.cpu ?? 0), 0),
  };
}

/** See proc_pid_stat(5). */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const fields = rest.split(' ').map(Number);
    const cpu = fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) * tick;
    return { name, parent: fields[1] ?? 0, cpu };
  } catch {
    return undefined;
  }
}
