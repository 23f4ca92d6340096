import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Installs what the lock file in `folder` names, unless just that is there already. Answers why it could not, if it
 * could not: the bench then goes on without.
 */
export async function installPeers(folder: string, progress: (what: string) => void): Promise<string | undefined> {
  const stamp = join(folder, 'node_modules', '.installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  if (readIfThere(stamp) === wanted) return undefined;
  progress(`npm ci in ${folder}`);
  try {
    await execute('npm', ['ci', '--loglevel=error'], { cwd: folder, env: ownEnvironment(), timeout: 600_000 });
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, wanted);
    return undefined;
  } catch (error) {
    return `npm ci in ${folder} failed: ${firstError(error)}`;
  }
}

/** Without what `npm run` tells its children of the project: it would be taken for what is meant here. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ofTheProject = /^npm_(package|lifecycle|config_local_prefix)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTheProject.test(name)));
}

function firstError(error: unknown): string {
  const said = String((error as { stderr?: unknown }).stderr ?? '')
    .split('\n')
    .map((line) => line.replace(/^npm error( code)?/, '').trim())
    .filter((line) => line !== '');
  return said.slice(0, 2).join(': ') || String(error);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
