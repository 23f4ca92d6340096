import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const hasProc = existsSync('/proc/self/cwd');

/**
 * All processes of the server whose data is in `dataFolder`. On Linux they are those that work in that folder, so
 * backends that outlived their postmaster are among them; elsewhere the postmaster and its children.
 */
export function serverProcesses(dataFolder: string, postmaster: number | undefined): readonly number[] {
  if (hasProc) return processIds().filter((pid) => workingFolder(pid) === dataFolder);
  if (postmaster === undefined) return [];
  const listed = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
  return listed
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([pid, parent]) => pid === postmaster || parent === postmaster)
    .map(([pid]) => pid as number);
}

/** False if there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process does nothing until it is told to go on; where that cannot be seen, it is taken for granted. */
export function isStopped(pid: number): boolean {
  if (!hasProc) return true;
  try {
    return /^State:\s+[TtZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

function processIds(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
