/**
 * A process that spools without end: `node spoolingProcess.ts <spool> <log> <first number> <seed> [early]`. Before and
 * after each call it writes a line to the log: `try <from> <to>`, `ack <from> <to>`, `remove <numbers>`, `removed
 * <numbers>`. With `early` it acknowledges before the commit: what the test must notice.
 */
import { openSync, writeSync } from 'node:fs';
import { ownFile } from '../../src/persistence/spool/openSpool.ts';
import { SqliteSpool } from '../../src/persistence/spool/sqliteSpool.ts';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { spooledMessages } from './spooledMessage.ts';

/** Answers with ids of its own, and writes a little later. */
class EarlySpool extends SqliteSpool {
  override append(messages: readonly PreparedMessage[]): readonly number[] {
    setTimeout(() => super.append(messages), 20);
    return messages.map((_, index) => index);
  }
}

const [path, log, first, seed, early] = process.argv.slice(2) as [string, string, string, string, string?];
const options = { maxBytes: 1e9, now: Date.now };
const file = ownFile(path, options.now);
const spool = early === 'early' ? new EarlySpool(file, options) : new SqliteSpool(file, options);
const random = new SeededRandom(Number(seed));
const fd = openSync(log, 'a');
const say = (line: string) => writeSync(fd, `${line}\n`);

say('opened');
for (let number = Number(first); ; ) {
  if (random.below(5) === 0) {
    const records = spool.read(1 + random.below(100), 1e6);
    const numbers = records.map(({ message }) => message.messageId.slice(2)).join(' ');
    say(`remove ${numbers}`);
    spool.remove(records.map(({ id }) => id));
    say(`removed ${numbers}`);
  } else {
    const last = number + random.below(random.pick([1, 8, 64]));
    const messages = spooledMessages(number, last);
    say(`try ${number} ${last}`);
    if (spool.append(messages).length !== messages.length) throw new Error('it is full');
    say(`ack ${number} ${last}`);
    number = last + 1;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
