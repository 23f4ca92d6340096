import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Account } from './serverAccount.ts';
import { signal } from './serverProcesses.ts';

const prefix = 'indelible-postgres-';
const ownerFile = 'owner.json';

/** Who made the folder, and the shell beside it. */
interface Owner {
  readonly pid: number;
  readonly hostname: string;
  readonly guard: number | undefined;
}

/**
 * Takes a server and all it left behind away: its processes, the shared memory of one that was killed, its folder.
 * Waits until its input ends, which it does when the process that started it lets go or is gone, however it went.
 * `-ef` compares folders by what they are, without a process for each.
 */
const takeAway = `
cat >/dev/null
processes() {
  if [ -d /proc/self/cwd ]; then
    for process in /proc/[0-9]*; do
      if [ "$process/cwd" -ef "$1/data" ]; then echo "\${process#/proc/}"; fi
    done
  elif [ -f "$1/data/postmaster.pid" ]; then
    ps -axo pid=,ppid=,command= | awk -v folder="$1/data" '
      { parent[$1] = $2; if (index($0, folder) && $3 ~ /postgres$/) postmaster = $1 }
      END { for (pid in parent) if (postmaster && (pid == postmaster || parent[pid] == postmaster)) print pid }'
  fi
}
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  found=$(processes "$1")
  if [ -z "$found" ]; then break; fi
  kill -9 $found
  sleep 0.1
done
if [ -f "$1/data/postmaster.pid" ]; then
  ipcrm -m "$(sed -n '7s/.* //p' "$1/data/postmaster.pid")"
fi
rm -rf "$1"
`;

/**
 * The folder of one server, which goes with the process that made it: a shell stays beside it and takes the server and
 * the folder away when that process is gone, also after `kill -9`. Should the shell be killed too, the next folder that
 * is made sees to it.
 */
export class ServerFolder {
  readonly path: string;
  readonly #guard: ChildProcess;
  readonly #guardGone: Promise<unknown>;

  private constructor(path: string) {
    this.path = path;
    this.#guard = spawn('/bin/sh', ['-c', takeAway, 'sh', path], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guardGone = once(this.#guard, 'exit');
    this.#guard.stdin?.on('error', () => {});
    this.#guard.unref();
    (this.#guard.stdin as unknown as { unref(): void }).unref();
  }

  /** Makes a folder that belongs to `account` in `parentFolder`, after taking away what others left there. */
  static async make(parentFolder: string, account: Account | undefined): Promise<ServerFolder> {
    await takeAwayLeftovers(parentFolder);
    const path = realpathSync(await mkdtemp(join(parentFolder, prefix)));
    if (account !== undefined) chownSync(path, account.uid, account.gid);
    const folder = new ServerFolder(path);
    const owner: Owner = { pid: process.pid, hostname: hostname(), guard: folder.#guard.pid };
    writeFileSync(join(path, ownerFile), JSON.stringify(owner));
    return folder;
  }

  /** Where the database files belong. */
  get data(): string {
    return join(this.path, 'data');
  }

  get logFile(): string {
    return join(this.path, 'server.log');
  }

  /** Resolves when the server's processes and the folder are gone. */
  async remove(): Promise<void> {
    this.#guard.ref();
    this.#guard.stdin?.end();
    await this.#guardGone;
    if (existsSync(this.path)) await takeAwayNow(this.path);
  }
}

/** Folders whose makers are gone. One that another machine made, which shares the folder, is not ours to judge. */
async function takeAwayLeftovers(parentFolder: string): Promise<void> {
  const leftovers = readdirSync(parentFolder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parentFolder, name))
    .filter(isLeftover);
  await Promise.all(leftovers.map(takeAwayNow));
}

async function takeAwayNow(path: string): Promise<void> {
  await once(spawn('/bin/sh', ['-c', takeAway, 'sh', path], { cwd: '/', stdio: 'ignore' }), 'exit');
}

function isLeftover(path: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(join(path, ownerFile), 'utf8')) as Owner;
    return owner.hostname === hostname() && !signal(owner.pid, 0);
  } catch {
    return false;
  }
}
