import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';

/** A place for a spool that is gone when the test is finished. */
function spoolPathOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-spooled-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'spool');
}

export function spoolOfTest(path = spoolPathOfTest()): Spool {
  return openSpool(path, { maxBytes: 1024 ** 3, now: Date.now });
}
