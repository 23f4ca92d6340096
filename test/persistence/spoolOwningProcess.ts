/** `node spoolOwningProcess.ts <spool> [moment]`: at the moment (ms since 1970) takes the spool, says how that went, and stays. */
import { writeSync } from 'node:fs';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { spooledMessage } from './spooledMessage.ts';

const [path, moment = '0'] = process.argv.slice(2) as [string, string?];
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, Number(moment) - Date.now()));
try {
  const spool = openSpool(path, { maxBytes: 1e9, now: Date.now });
  spool.append([spooledMessage(process.pid)]);
  writeSync(1, 'owner\n');
} catch (error) {
  writeSync(1, `${IndelibleError.is(error) ? error.code : String(error)}\n`);
}
setInterval(() => {}, 1_000);
