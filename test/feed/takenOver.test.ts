import { expect, it, onTestFinished } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { OwnedDraft } from '../../src/store/draftRecords.ts';
import { logStart } from '../../src/store/messageLog.ts';
import type { RecordListener } from '../../src/store/recordHint.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

/** A feed whose looks for drafts are the test's to answer, and whose hints are the test's to give. */
function feedOf() {
  const store = openSqliteStore(':memory:');
  const looks: { answer(): void; fail(): void }[] = [];
  let hint: RecordListener = () => {};
  const feed = new Feed({
    log: store.log,
    clock: new ManualClock(),
    records: {
      readPositions: store.readPositions,
      drafts: {
        ...store.drafts,
        ofPlans: (planIds) =>
          new Promise((resolve, reject) => {
            looks.push({
              answer: () => resolve(store.drafts.ofPlans(planIds)),
              fail: () => reject(new IndelibleError('store_unavailable')),
            });
          }),
      },
      onRecordChange: (listener) => {
        hint = listener;
        return () => {};
      },
    },
  });
  onTestFinished(async () => {
    feed.close();
    await store.close();
  });
  const put = (text: string) => {
    const draft: OwnedDraft = { planId: 'p', draftId: 'd', agentName: 'A', text, updatedAt: '2026', owner: 'other' };
    return store.drafts.put([draft]);
  };
  const pieces: string[] = [];
  feed.subscribe('p', logStart, {
    messages: () => {},
    live: (_event, piece) => void (piece && pieces.push(`${piece.offset}:${piece.text}`)),
  });
  return { feed, looks, put, pieces, hear: () => hint([{ kind: 'draft', planId: 'p' }]) };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

it('P8: whoever asks for the text so far has all that pieces shown later are behind', async () => {
  const { feed, looks, put, pieces, hear } = feedOf();
  await put('half');
  const asked = feed.drafts('p');
  await settle();
  // The look of the feed itself is out, and until it is answered nobody else's is.
  expect(looks.length).toBe(1);
  await put('half of it');
  looks[0]?.answer();
  await settle();
  looks[1]?.answer();
  expect((await asked).map(({ text }) => text)).toEqual(['half of it']);
  await put('half of it and more');
  hear();
  looks[2]?.answer();
  await settle();
  expect(pieces).toEqual(['10: and more']);
});

it('what could not be taken over when a watcher came is shown from its beginning when it is found', async () => {
  const { feed, looks, put, pieces, hear } = feedOf();
  const asked = feed.drafts('p');
  looks[0]?.fail();
  await settle();
  looks[1]?.fail();
  expect(await asked).toEqual([]);
  await put('half of it');
  hear();
  looks[2]?.answer();
  await settle();
  expect(pieces).toEqual(['0:', '0:half of it']);
});
