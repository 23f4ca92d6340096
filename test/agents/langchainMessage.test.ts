import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  ChatMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { expect, test } from 'vitest';
import { jsonSafe } from '../../src/agents/jsonSafe.ts';
import { derivedId, saysTheSame, spokenMessage } from '../../src/agents/langchainMessage.ts';
import { prepareMessage } from '../../src/protocol/message.ts';

const by = { agentName: 'writer' };

test.each<[string, BaseMessage, object]>([
  ['an answer', new AIMessage('hi'), { agentName: 'writer', agentType: 'agent', content: 'hi', metadata: {} }],
  ['an empty answer', new AIMessage(''), { agentType: 'agent', content: '' }],
  ['a named answer', new AIMessage({ content: 'hi', name: 'Ann' }), { agentName: 'Ann', agentType: 'agent' }],
  ['a human message', new HumanMessage('hi'), { agentName: 'writer', agentType: 'user' }],
  ['a system message', new SystemMessage('hi'), { agentType: 'system' }],
  ['a message of another role', new ChatMessage('hi', 'critic'), { agentType: 'critic' }],
  [
    'a tool’s result',
    new ToolMessage({ content: '42', tool_call_id: 'c1', name: 'sum' }),
    { agentName: 'sum', agentType: 'tool', content: '42', metadata: { tool_call_id: 'c1' } },
  ],
  [
    'a tool’s error',
    new ToolMessage({ content: 'no', tool_call_id: 'c1', status: 'error' }),
    { agentType: 'tool', metadata: { tool_call_id: 'c1', status: 'error' } },
  ],
  [
    'a tool call without text',
    new AIMessage({ content: '', tool_calls: [{ name: 'sum', args: { of: [1, 2] }, id: 'c1', type: 'tool_call' }] }),
    { content: '', metadata: { tool_calls: [{ name: 'sum', args: { of: [1, 2] }, id: 'c1' }] } },
  ],
  [
    'a tool call that cannot be read',
    new AIMessage({
      content: '',
      invalid_tool_calls: [{ name: 'sum', args: '{"of": [1,', id: 'c1', error: 'cut off' }],
    }),
    { metadata: { invalid_tool_calls: [{ name: 'sum', args: '{"of": [1,', id: 'c1', error: 'cut off' }] } },
  ],
  [
    'tokens used',
    new AIMessage({ content: 'hi', usage_metadata: { input_tokens: 3, output_tokens: 1, total_tokens: 4 } } as object),
    { metadata: { usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 } } },
  ],
  [
    'structured content',
    new AIMessage({
      content: [
        { type: 'text', text: 'a ' },
        { type: 'reasoning', reasoning: 'hm' },
        { type: 'text', text: 'b' },
      ],
    }),
    {
      content: 'a b',
      metadata: {
        content_blocks: [
          { type: 'text', text: 'a ' },
          { type: 'reasoning', reasoning: 'hm' },
          { type: 'text', text: 'b' },
        ],
      },
    },
  ],
  ['blocks of text alone', new AIMessage({ content: [{ type: 'text', text: 'a' }] }), { content: 'a', metadata: {} }],
  [
    'blocks of text and tool calls, as they come of streamEvents version 3',
    new AIMessage({
      content: [
        { type: 'text', text: 'a' },
        { type: 'tool_call', name: 'sum', args: { of: 1 }, id: 'c1' },
      ],
      tool_calls: [{ name: 'sum', args: { of: 1 }, id: 'c1', type: 'tool_call' }],
    }),
    { content: 'a', metadata: { tool_calls: [{ name: 'sum', args: { of: 1 }, id: 'c1' }] } },
  ],
  [
    'text with citations',
    new AIMessage({ content: [{ type: 'text', text: 'a', annotations: [{ url: 'https://example.org' }] }] }),
    { metadata: { content_blocks: [{ type: 'text', text: 'a', annotations: [{ url: 'https://example.org' }] }] } },
  ],
])('the log says of %s what LangChain says', (_what, message, expected) => {
  const spoken = spokenMessage(message, by);
  expect(spoken).toMatchObject(expected);
  if ('metadata' in expected) expect(spoken.metadata).toEqual(expected.metadata);
});

test('a name too long for the log is cut, an absent one is `agent`', () => {
  expect(spokenMessage(new AIMessage({ content: '', name: 'x'.repeat(300) }), by).agentName).toHaveLength(256);
  expect(spokenMessage(new AIMessage(''), { agentName: '' }).agentName).toBe('agent');
});

test('messages that say the same are recognised in whichever form they come', () => {
  const calls = [{ name: 'sum', args: { of: 1 }, id: 'c1', type: 'tool_call' as const }];
  const plain = new AIMessage({ content: 'hi', tool_calls: calls });
  const blocks = [
    { type: 'text', text: 'hi' },
    { type: 'tool_use', name: 'sum', input: { of: 1 }, id: 'c1' },
  ];
  expect(saysTheSame(plain, new AIMessageChunk({ content: blocks, tool_calls: calls }))).toBe(true);
  expect(saysTheSame(plain, new AIMessage('hi'))).toBe(false);
  expect(saysTheSame(new AIMessage('hi'), new AIMessage('ho'))).toBe(false);
  expect(saysTheSame(new AIMessage('hi'), new HumanMessage('hi'))).toBe(false);
  const image = (url: string) => new HumanMessage({ content: [{ type: 'image_url', image_url: { url } }] });
  expect(saysTheSame(image('a'), image('b'))).toBe(false);
});

test('a derived id is a UUID that follows from plan, place and everything said', () => {
  const spoken = spokenMessage(new AIMessage('hi'), by);
  const id = derivedId('p', ['task'], spoken);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(derivedId('p', ['task'], { ...spoken })).toBe(id);
  const others = [
    derivedId('q', ['task'], spoken),
    derivedId('p', ['task', 1], spoken),
    derivedId('p', ['task'], { ...spoken, content: 'ho' }),
    derivedId('p', ['task'], { ...spoken, agentName: 'editor' }),
    derivedId('p', ['task'], { ...spoken, metadata: { langgraph_step: 2 } }),
    derivedId('p', ['task'], { ...spoken, content: '\ud800' }),
    derivedId('p', ['task'], { ...spoken, content: '\ud801' }),
  ];
  expect(new Set([id, ...others]).size).toBe(others.length + 1);
});

test('whatever a framework attaches to a message, the log accepts it', () => {
  const cycle: Record<string, unknown> = { name: 'ring' };
  cycle['self'] = cycle;
  let deep: unknown = 'bottom';
  for (let depth = 0; depth < 5_000; depth++) deep = [deep];
  const odd = {
    kept: ['text', 0, -1.5, true, null, { a: { b: [] } }],
    nothing: undefined,
    action: () => {},
    symbol: Symbol('s'),
    holes: [1, undefined, 3],
    big: 12345678901234567890n,
    unsafe: 2 ** 60,
    nan: Number.NaN,
    date: new Date(0),
    badDate: new Date(Number.NaN),
    bytes: new Uint8Array([255, 0]),
    map: new Map([['k', { v: 1 }]]),
    set: new Set([1]),
    error: new TypeError('oops'),
    url: new URL('https://example.org/'),
    cycle,
    deep,
    throwing: {
      get now(): never {
        throw new Error('no');
      },
      fine: 1,
    },
    lying: {
      toJSON() {
        throw new Error('no');
      },
    },
  };
  const safe = jsonSafe(odd) as Record<string, unknown>;
  expect(safe).toMatchObject({
    kept: odd.kept,
    holes: [1, null, 3],
    big: '12345678901234567890',
    unsafe: '1152921504606846976',
    nan: 'NaN',
    date: '1970-01-01T00:00:00.000Z',
    badDate: null,
    bytes: '/wA=',
    map: [['k', { v: 1 }]],
    set: [1],
    error: { name: 'TypeError', message: 'oops' },
    url: 'https://example.org/',
    cycle: { name: 'ring', self: '[cycle]' },
    throwing: { now: '[unreadable]', fine: 1 },
    lying: '[unreadable]',
  });
  expect(Object.keys(safe)).not.toEqual(expect.arrayContaining(['nothing']));
  expect(Object.keys(safe)).not.toEqual(expect.arrayContaining(['action']));
  const message = { planId: 'p', agentName: 'a', content: '', metadata: safe };
  expect(() => prepareMessage(message, { now: () => 0 })).not.toThrow();
});
