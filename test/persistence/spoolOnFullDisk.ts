/**
 * Spools in this process until its files may grow no more, tries on, gets room, and spools again. Prints what was
 * acknowledged. To a process, the limit on the size of files is a disk that is full.
 */
import { execFileSync } from 'node:child_process';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { spooledMessage } from './spooledMessage.ts';

const limitFiles = (soft: string) => execFileSync('/usr/bin/prlimit', ['--pid', `${process.pid}`, `--fsize=${soft}:`]);

const spool = openSpool(process.argv[2] as string, { maxBytes: 1e9, now: Date.now });
const acknowledged: number[] = [];
const after: number[] = [];
const codes: string[] = [];
let number = 0;

limitFiles('200000');
while (codes.length < 20) {
  number += 1;
  try {
    if (spool.append([spooledMessage(number)]).length === 1) acknowledged.push(number);
  } catch (error) {
    codes.push(IndelibleError.is(error) ? error.code : String(error));
  }
}
limitFiles('unlimited');
for (let more = 0; more < 200; more++) {
  number += 1;
  if (spool.append([spooledMessage(number)]).length === 1) after.push(number);
}
spool.close();
process.stdout.write(JSON.stringify({ acknowledged, codes, after }));
