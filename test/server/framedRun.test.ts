import { describe, expect, it } from 'vitest';
import { decodeCursor } from '../../src/protocol/cursor.ts';
import { prepareMessage, type StoredMessage } from '../../src/protocol/message.ts';
import { FramedRuns } from '../../src/server/framedRun.ts';
import { webSocketFraming } from '../../src/server/framing.ts';

function messages(count: number, length = 10): StoredMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    ...prepareMessage({ planId: 'p', agentName: 'a', content: '🙂'.repeat(length) }, { now: () => 0 }),
    sequence: index + 1,
    version: 1,
    revision: 0,
  }));
}

/** The texts in the bytes: whole text frames, not masked (RFC 6455, section 5.2). */
function read(bytes: Buffer) {
  const frames: { sequence: number; cursor?: string; message: { content: string } }[] = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x81);
    const second = bytes[at + 1] ?? 0;
    const start = at + (second < 126 ? 2 : second === 126 ? 4 : 10);
    const length =
      second < 126 ? second : second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    frames.push(JSON.parse(bytes.subarray(start, start + length).toString()));
    at = start + length;
  }
  return frames;
}

describe('A run of messages as bytes', () => {
  it.each([0, 20, 100, 20_000, 70_000])('is what a WebSocket client reads, with content of %i characters', (length) => {
    const run = messages(3, length);
    const [chunk] = new FramedRuns(webSocketFraming).of(run);
    const frames = read(chunk?.bytes({ sequence: 3, revision: 0 }, 'epoch') ?? Buffer.alloc(0));
    expect(frames.map(({ message }) => message.content)).toEqual(
      run.slice(0, frames.length).map(() => '🙂'.repeat(length)),
    );
    expect(frames.map(({ cursor }) => cursor !== undefined)).toEqual(
      frames.map((_, index) => index === frames.length - 1),
    );
  });

  it('is made once for all who are at the same place, and has the right cursor for who is at another', () => {
    const run = messages(5);
    const runs = new FramedRuns(webSocketFraming);
    const [chunk] = runs.of(run);
    expect(runs.of(run)[0]).toBe(chunk);
    const places = [
      [{ sequence: 5, revision: 0 }, 'epoch'],
      [{ sequence: 5, revision: 3 }, 'epoch'],
      [{ sequence: 5, revision: 3 }, 'other'],
      [{ sequence: 5, revision: 0 }, 'epoch'],
    ] as const;
    for (const [place, epoch] of places) {
      const bytes = chunk?.bytes(place, epoch) as Buffer;
      expect(chunk?.bytes({ ...place }, epoch)).toBe(bytes);
      const frames = read(bytes);
      expect(frames.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
      expect(decodeCursor(frames[4]?.cursor ?? '', { epoch, planId: 'p' })).toEqual(place);
    }
  });

  it('is cut into chunks of about 256 KiB, none of them empty and none message left out', () => {
    const run = messages(100, 5_000);
    const chunks = new FramedRuns(webSocketFraming).of(run);
    expect(chunks.length).toBeGreaterThan(2);
    const frames = chunks.map((chunk) => read(chunk.bytes({ sequence: chunk.last.sequence, revision: 0 }, 'epoch')));
    expect(frames.flat().map(({ sequence }) => sequence)).toEqual(run.map(({ sequence }) => sequence));
  });
});
