import { once } from 'node:events';
import { Indelible } from '../../src/agents/indelible.ts';
import { logStart } from '../../src/store/messageLog.ts';
import { openStore } from '../../src/store/openStore.ts';

/**
 * A process that saves and watches, says so, and when its input ends closes all it has; then nothing but what it forgot
 * keeps it from ending. Arguments: the address of the store, and how it hears of commits.
 */
const [, , address = '', wake = 'notify'] = process.argv;
const indelible = new Indelible(await openStore(address, { wake }));
indelible.feed.subscribe('plan', logStart, { messages() {} });
const messages = Array.from({ length: 20 }, (_, index) => ({
  planId: `plan ${index}`,
  agentName: 'agent',
  content: '',
}));
await Promise.all(messages.map((message) => indelible.store.plans.find(message.planId)));
await indelible.persistence.saveAll(messages);
process.stdin.resume();
process.stdout.write('ready\n');
await once(process.stdin, 'end');
await indelible.close();
process.stdout.write('closed\n');
