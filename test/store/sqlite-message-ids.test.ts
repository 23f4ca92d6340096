import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { type PreparedMessage, prepareMessage } from 'indelible/protocol';
import { openSqliteStore } from 'indelible/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { fromMessageKey, toMessageKey } from '../../src/store/sqlite/messageKey.ts';

const uuidV7 = '0198c2f4-5a3e-7b11-8f00-6162636465ff';
/** Distinct ids; some are kept as bytes, some as text, some look like the bytes of another. */
const ids = [
  uuidV7,
  uuidV7.toUpperCase(),
  uuidV7.replaceAll('-', ''),
  `run-${uuidV7}`,
  uuidV7.replace('-7', '-4'),
  uuidV7.replace('-7', '-8'),
  '61626364-6566-7768-696a-6b6c6d6e6f70',
  'abcdefwhijklmnop',
  'm1',
];

describe('SQLite keeps message ids of every kind', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'indelible-ids-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('each once in its plan: the same again is a duplicate, with other content a conflict, in one batch and later', async () => {
    const store = openSqliteStore(join(folder, 'log.db'));
    const batch = ids.map((id) => message(id, 'text'));
    const statuses = async (messages: readonly PreparedMessage[]) =>
      (await store.log.append(messages)).map(({ status }) => status);
    expect(await statuses([...batch, ...batch])).toEqual([...ids.map(() => 'stored'), ...ids.map(() => 'duplicate')]);
    expect(await statuses(batch)).toEqual(ids.map(() => 'duplicate'));
    expect(await statuses(ids.map((id) => message(id, 'other')))).toEqual(ids.map(() => 'conflict'));
    expect(await statuses(ids.map((id) => message(id, 'text', 'another')))).toEqual(ids.map(() => 'stored'));
    for (const [index, id] of ids.entries()) {
      expect(await store.log.find('plan', id)).toMatchObject({
        messageId: id,
        sequence: index + 1,
        body: batch[index]?.body,
      });
    }
    await store.close();
  });

  it('and finds each kind by an index of its own', () => {
    const db = openDatabase(join(folder, 'log.db'));
    const plan = (kind: string) =>
      db
        .prepare(
          `EXPLAIN QUERY PLAN SELECT 1 FROM messages WHERE plan = 1 AND message_id = ? AND typeof(message_id) = '${kind}'`,
        )
        .all()
        .map(({ detail }) => detail);
    expect(plan('blob')).toEqual([expect.stringMatching(/SEARCH messages USING .*messages_by_timed_id/)]);
    expect(plan('text')).toEqual([expect.stringMatching(/SEARCH messages USING .*messages_by_other_id/)]);
    db.close();
  });

  test.prop([fc.oneof(fc.uuid({ version: 7 }), fc.uuid(), fc.string({ minLength: 1, maxLength: 40 }))])(
    'so that each comes back as it was, and only ids of version 7 are kept as bytes',
    (id) => {
      const key = toMessageKey(id);
      expect(fromMessageKey(key)).toBe(id);
      expect(typeof key === 'string').toBe(!/^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id) || id.length !== 36);
    },
  );
});

function message(messageId: string, content: string, planId = 'plan'): PreparedMessage {
  return prepareMessage({ planId, messageId, agentName: 'a', content, timestamp: new Date(0) }, { now: () => 0 });
}
