import { fileURLToPath } from 'node:url';
import { fc, test as property } from '@fast-check/vitest';
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { describe, expect, test } from 'vitest';
import { AiSdkReplay } from '../../src/agents/aiSdkReplay.ts';
import type { WireMessageBody } from '../../src/protocol/messageBytes.ts';
import { readSourceGraph } from '../house/source-graph.ts';

const message = (fields: Partial<WireMessageBody>): WireMessageBody => ({
  timestamp: '2026-01-01T00:00:00.000Z',
  type: 'agent_message',
  agent_name: 'assistant',
  message_id: 'a',
  plan_id: 'p',
  agent_type: 'agent',
  content: '',
  metadata: {},
  ...fields,
});

async function drawn(chunks: readonly UIMessageChunk[]): Promise<unknown> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: UIMessage | undefined;
  for await (const found of readUIMessageStream({ stream, terminateOnError: true })) last = found;
  return JSON.parse(JSON.stringify(last ?? null));
}

const metadata = fc.constantFrom<(text: string) => WireMessageBody['metadata']>(
  () => ({}),
  () => ({ tool_calls: [{ name: 't', args: {}, id: 'c' }], finish_reason: 'tool-calls' }),
  (text) => ({
    content_blocks: [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text },
    ],
  }),
  (text) => ({
    content_blocks: [
      { type: 'text', text: text.slice(0, 3) },
      { type: 'text', text: text.slice(3) },
    ],
  }),
  (text) => ({ content_blocks: [{ type: 'text', text, providerMetadata: { x: { y: 1 } } }] }),
);

describe('an answer told in pieces', () => {
  property.prop(
    {
      text: fc.string({ minLength: 1, maxLength: 20 }),
      of: metadata,
      // Where pieces begin and end: they may overlap, skip, repeat, come again from the start.
      pieces: fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 12 }),
      garbled: fc.boolean(),
    },
    { numRuns: 300 },
  )('P8: ends as the same answer told at once, whichever pieces came, came twice, or were lost', async (given) => {
    const { text, of, pieces, garbled } = given;
    const whole = message({ content: text, metadata: of(text) });
    const once = new AiSdkReplay();
    const expected = await drawn([...once.begin('a'), ...once.message(whole), ...once.end()]);
    const replay = new AiSdkReplay();
    const chunks = [...replay.begin('a')];
    for (const [from, length] of pieces) {
      const said = garbled && from % 3 === 0 ? '?'.repeat(length) : text.slice(from, from + length);
      chunks.push(...replay.draft({ draft_id: 'a', offset: Math.min(from, text.length), text: said }));
    }
    chunks.push(
      ...replay.message(whole),
      ...replay.message(whole),
      ...replay.draft({ draft_id: 'a', offset: 0, text }),
    );
    chunks.push(...replay.end());
    expect(await drawn(chunks)).toEqual(expected);
  });

  test('shows each piece when it comes', async () => {
    const replay = new AiSdkReplay();
    const chunks = [...replay.begin('a'), ...replay.draft({ draft_id: 'a', offset: 0, text: 'Half ' })];
    expect(await drawn(chunks)).toMatchObject({
      parts: [{ type: 'step-start' }, { text: 'Half ', state: 'streaming' }],
    });
    chunks.push(...replay.draft({ draft_id: 'a', offset: 5, text: 'an' }));
    expect(await drawn(chunks)).toMatchObject({ parts: [{ type: 'step-start' }, { text: 'Half an' }] });
  });
});

test('indelible/ai-sdk/client runs in a browser: nothing it imports, by whichever way, is Node’s', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const files = new Map(readSourceGraph(root).map((file) => [file.path, file]));
  const seen = new Set<string>();
  const packages = new Set<string>();
  const nodes = new Set<string>();
  const walk = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    const file = files.get(path);
    for (const name of file?.nodeGlobals ?? []) nodes.add(name);
    for (const { target } of file?.imports ?? []) {
      if (target.kind === 'file') walk(target.path);
      else if (target.kind === 'package') packages.add(target.name);
      else nodes.add('a builtin');
    }
  };
  walk('src/agents/aiSdkClient.ts');
  expect([...packages]).toEqual(['ai']);
  expect([...nodes]).toEqual([]);
  expect([...seen].filter((path) => path.startsWith('src/store'))).toEqual([]);
  // The control: the server's side does import what browsers do not have.
  walk('src/agents/aiSdkSpoken.ts');
  expect([...nodes].sort()).toEqual(['Buffer', 'a builtin']);
});
