import { execFileSync } from 'node:child_process';
import { IndelibleError } from '../../protocol/errors.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom a database server runs as: Postgres refuses to be root. `undefined`: as the caller. Where that is root, it is
 * the user `postgres`, else `nobody`; none is made.
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const account = accountOf('postgres') ?? accountOf('nobody');
  if (account !== undefined) return account;
  throw new IndelibleError('invalid_config', {
    message: 'Postgres does not run as root, and there is neither a user postgres nor nobody to run it as',
    field: 'user',
  });
}

function accountOf(name: string): Account | undefined {
  try {
    const [uid, gid] = ['-u', '-g'].map((id) =>
      Number(execFileSync('id', [id, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}

/** Whether the account could make a file in `folder`. */
export function canUse(folder: string, account: Account | undefined): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'test -w "$1" && test -x "$1"', 'sh', folder], { ...account, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
