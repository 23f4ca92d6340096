import { fc, test } from '@fast-check/vitest';
import { prepareMessage, type RowView, rowText, rowView, v3MessageRow, v3RowView } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { messageTypes } from '../../src/protocol/messageType.ts';
import { RowBytes } from '../../src/store/rowBytes.ts';
import { anyJsonObject } from '../protocol/anyJson.ts';

const anyMessage = fc
  .record({
    agentName: fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
    content: fc.string({ unit: 'binary', maxLength: 300 }),
    type: fc.constantFrom(...messageTypes),
    metadata: anyJsonObject,
    sequence: fc.oneof(fc.integer({ min: 1, max: 1_001 }), fc.constantFrom(9, 10, 99, 100, 2 ** 32, 2 ** 53 - 1)),
    version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  })
  .map(({ sequence, version, ...fields }) => ({
    ...prepareMessage({ planId: 'p', messageId: 'm', ...fields }, { now: () => 0 }),
    sequence,
    version,
    revision: 0,
  }));

const anyView: fc.Arbitrary<RowView> = fc
  .array(fc.constantFrom('sequence', 'version', 'agentName', 'members'), { maxLength: 6 })
  .chain((values) =>
    fc
      .array(fc.string({ unit: 'binary', maxLength: 70 }), {
        minLength: values.length + 1,
        maxLength: values.length + 1,
      })
      .map((texts) => ({ values, texts: texts.map((text) => text.toWellFormed()) })),
  );

describe('rows as bytes', () => {
  test.prop([fc.array(anyMessage, { maxLength: 20 }), fc.oneof(fc.constant(v3RowView), anyView), fc.nat(5_000)])(
    'are the rows as text, a comma before each, for any message and any view',
    (messages, view, size) => {
      const bytes = new RowBytes(view, size);
      for (const { sequence, version, body } of messages) {
        const source = Buffer.from(`before ${body} and behind`);
        bytes.add(sequence, version, source, 'before '.length, source.length - ' and behind'.length);
      }
      expect(Buffer.from(bytes.finish()).toString()).toBe(
        messages.map((message) => `,${rowText(view, message)}`).join(''),
      );
    },
  );

  it('may be many more than was said', () => {
    const body = prepareMessage({ planId: 'p', agentName: 'é"', content: 'x'.repeat(1_000) }, { now: () => 0 }).body;
    const source = Buffer.from(body);
    const bytes = new RowBytes(v3RowView);
    for (let sequence = 1; sequence <= 1_000; sequence++) bytes.add(sequence, 1, source, 0, source.length);
    const rows = JSON.parse(`[${Buffer.from(bytes.finish()).toString().slice(1)}]`);
    expect(rows.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
      rows.map((_: unknown, at: number) => at + 1),
    );
  });

  it('are refused of what is no body', () => {
    expect(() => new RowBytes(v3RowView).add(1, 1, Buffer.from('{}'), 0, 2)).toThrow(RangeError);
  });
});

describe('the row of /api/v3', () => {
  it('is the stored bytes with fixed text around them', () => {
    const prepared = prepareMessage(
      { planId: 'p', messageId: 'm', agentName: 'A "b"', content: 'c' },
      { now: () => 0 },
    );
    const message = { ...prepared, sequence: 7, version: 2, revision: 3 };
    expect(v3MessageRow(message)).toBe(
      `{"sequence":7,"version":2,"agent":"A \\"b\\"","steps":[],"next_steps":[],"raw_data":"",${prepared.body.slice(1)}`,
    );
  });

  it('is said once: a view tells its texts from its values, also those of a view that stands in it', () => {
    const inner = rowView`"a":${'agentName'},${'members'}`;
    expect(rowView`{"s":${'sequence'},${inner}}`).toEqual({
      texts: ['{"s":', ',"a":', ',', '}'],
      values: ['sequence', 'agentName', 'members'],
    });
    expect(rowView`${inner}${inner}`.texts).toEqual(['"a":', ',', '"a":', ',', '']);
    expect(rowView`nothing`).toEqual({ texts: ['nothing'], values: [] });
  });
});
