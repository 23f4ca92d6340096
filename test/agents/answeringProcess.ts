/**
 * An agent that is answering, until it is killed: `node answeringProcess.ts <store> <coalesced | control>`. Says what it
 * streams before it streams it (`> <text>`), and how much of it the database has acknowledged (`= <characters>`).
 * The control keeps its text to itself until the end, which does not come.
 */
import { openIndelible } from '../../src/agents/indelible.ts';
import { openStore } from '../../src/store/openStore.ts';

const [address = '', mode = ''] = process.argv.slice(2);
const store = await openStore(address);
const drafts = {
  put: async (some: Parameters<typeof store.drafts.put>[0]) => {
    if (mode === 'control') return;
    await store.drafts.put(some);
    for (const { text } of some) process.stdout.write(`= ${text.length}\n`);
  },
  touch: store.drafts.touch.bind(store.drafts),
  remove: store.drafts.remove.bind(store.drafts),
  ofPlans: store.drafts.ofPlans.bind(store.drafts),
  abandoned: store.drafts.abandoned.bind(store.drafts),
};
const { live } = await openIndelible({ store: { ...store, drafts } });
live.streamStarted('p', 'answer', 'Writer');
for (let word = 0; ; word++) {
  const piece = `word${word} `;
  process.stdout.write(`> ${piece}\n`);
  live.streamDelta('p', 'answer', 'Writer', piece);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
