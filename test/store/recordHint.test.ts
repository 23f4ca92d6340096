import { describe, expect, it } from 'vitest';
import { decodeRecordHints, encodeRecordHint, joinHints, type RecordHint } from '../../src/store/recordHint.ts';
import { decodeHint, encodeHint } from '../../src/store/wakeHint.ts';

const hints: readonly RecordHint[] = [
  { kind: 'draft', planId: 'plan 7 7' },
  { kind: 'read', planId: 'p', userId: 'ann "smith"\n\u0000\ud800 é' },
  { kind: 'read', planId: '😀', userId: '' },
];
const commit = { planId: 'p', head: { sequence: 3, revision: 1 }, messages: [], updates: [] };

describe('Hints of commits', () => {
  it('name plans whatever characters their ids hold, those that other texts end lines with too', () => {
    const planIds = ['plan 7 7', 'a\u2028b\u2029c', '🙂', ' ', 'é'.repeat(256)];
    const commits = planIds.map((planId, revision) => ({ ...commit, planId, head: { sequence: 3, revision } }));
    expect(decodeHint(encodeHint(commits))).toEqual(commits);
  });
});

describe('Hints of records', () => {
  it('stand among those of commits: each reader takes its own and passes over the others', () => {
    const text = [encodeHint([commit]), ...hints.map(encodeRecordHint)].join('\n');
    expect(decodeRecordHints(text)).toEqual(hints);
    // What programs knew that know only commits.
    expect(decodeHint(text)).toEqual([commit]);
  });

  it.each(['', 'draft', 'draft ', 'read', 'read []', 'read [1,2]', 'read {', 'read ["p"]', 'x draft p', '3 1 p'])(
    'that cannot be read are passed over: %j',
    (text) => expect(decodeRecordHints(text)).toEqual([]),
  );

  it('are joined under what a notification may hold, and one that is too long is left out', () => {
    const lines = [...Array.from({ length: 500 }, (_, index) => `draft ${'é'.repeat(50)}${index}`), 'x'.repeat(9_000)];
    const texts = joinHints(lines);
    expect(texts.every((text) => Buffer.byteLength(text) < 8_000)).toBe(true);
    expect(texts.join('\n').split('\n')).toEqual(lines.slice(0, -1));
    expect(joinHints([])).toEqual([]);
  });
});
