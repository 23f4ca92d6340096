import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What this machine can do to a disk and to the calls of a process. What it cannot is left out, and said. */
export interface Ability {
  readonly able: boolean;
  /** For the name of a test that needs it. */
  readonly leftOut: string;
}

/** Root, and the rights to mount, with the tools of e2fsprogs and util-linux. */
export function loopMounts(): Ability {
  return ability('root, loop devices, mkfs.ext4 and fsfreeze', () => {
    inFolder((folder) => {
      const image = join(folder, 'image');
      const mounted = join(folder, 'mounted');
      try {
        execFileSync('sh', ['-ec', `truncate -s 4M ${image}; mkfs.ext4 -q -F ${image}; mkdir ${mounted}`]);
        execFileSync('sh', [
          '-ec',
          `mount -o loop ${image} ${mounted}; fsfreeze -f ${mounted}; fsfreeze -u ${mounted}`,
        ]);
      } finally {
        execFileSync('sh', ['-c', `umount ${mounted} 2>/dev/null; rm -rf ${image} ${mounted}`]);
      }
    });
  });
}

/** Root, and the rights to mount. */
export function memoryMounts(): Ability {
  return ability('root, and the right to mount', () => {
    inFolder((folder) => {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
      execFileSync('umount', [folder]);
    });
  });
}

/** A strace that may trace, and that makes system calls fail. */
export function tracing(): Ability {
  return ability('strace, and the right to trace', () => {
    const args = ['-f', '-D', '-o', '/dev/null', '-P', '/', '-e', 'inject=fsync:error=EIO:when=1', 'true'];
    execFileSync('strace', args, { stdio: 'ignore' });
  });
}

function ability(needed: string, attempt: () => void): Ability {
  try {
    attempt();
    return { able: true, leftOut: '' };
  } catch {
    const leftOut = ` (left out: it needs ${needed})`;
    process.stderr.write(`Tests of test/durability are left out: they need ${needed}\n`);
    return { able: false, leftOut };
  }
}

function inFolder(action: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-machine-'));
  try {
    action(folder);
  } finally {
    rmdirSync(folder);
  }
}
