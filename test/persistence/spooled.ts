import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PreparedMessage } from 'indelible/protocol';
import { onTestFinished } from 'vitest';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';
import { noon } from './spooledMessage.ts';

/** A path for a spool in an empty folder, which is gone when the test is over. */
export function spoolPath(name = 'a.spool'): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-spool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return join(folder, name);
}

/** Closed when the test is over, if not before. */
export function spoolAt(path: string, { maxBytes = 1e9, now = () => noon } = {}): Spool {
  const spool = openSpool(path, { maxBytes, now });
  onTestFinished(() => spool.close());
  return spool;
}

/** All that waits, read in pages. */
export function allWaiting(spool: Spool): PreparedMessage[] {
  const found: PreparedMessage[] = [];
  for (let after = 0; ; ) {
    const page = spool.read(100, 100_000, after);
    const last = page.at(-1);
    if (last === undefined) return found;
    found.push(...page.map(({ message }) => message));
    after = last.id;
  }
}
