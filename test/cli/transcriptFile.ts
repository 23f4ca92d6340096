import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { between, randomNumbers } from './randomNumbers.ts';

/** A line of a transcript file. */
export interface RecordedRun {
  readonly run: string;
  readonly description: string;
  readonly messages: readonly RecordedMessage[];
}

export interface RecordedMessage {
  readonly agent_name: string;
  readonly agent_type: string;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const contents = [
  '',
  '',
  'plain',
  'two\nlines\r\nand a tab\t',
  '🙂 👩‍👩‍👧 é e\u0301 \u202eright to left',
  'NUL \u0000, half a pair \ud800, \u2028 and \u001b[2J',
  '{"json": "in a string", "q": "\\""}',
  'x'.repeat(20_000),
];

/** Conversations with all that real ones have and what they might: a file, the same for the same seed. */
export function writeTranscripts(folder: string, seed: number, runs: number, maxMessages: number): string {
  const random = randomNumbers(seed);
  const lines = Array.from({ length: runs }, (_, index) =>
    JSON.stringify(recordedRun(`run-${seed}-${index}`, random, maxMessages)),
  );
  const path = join(folder, 'transcripts.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function recordedRun(run: string, random: () => number, maxMessages: number): RecordedRun {
  const count = between(random, Math.ceil(maxMessages / 2), maxMessages);
  return {
    run,
    description: `Recorded conversation ${run} “🙂”`,
    messages: Array.from({ length: count }, (_, index) => recordedMessage(index, random)),
  };
}

function recordedMessage(index: number, random: () => number): RecordedMessage {
  const content = contents[between(random, 0, contents.length - 1)] as string;
  const kind = between(random, 0, 3);
  if (kind === 0) return { agent_name: 'Customer', agent_type: 'user', content, metadata: {} };
  if (kind === 1) {
    const call = { id: `call_${index}`, type: 'function', function: { name: 'find', arguments: '{"q":"é\\n"}' } };
    return { agent_name: 'Agent', agent_type: 'agent', content: '', metadata: { tool_calls: [call] } };
  }
  if (kind === 2)
    return { agent_name: 'find', agent_type: 'tool', content, metadata: { tool_call_id: `call_${index}` } };
  const deep = { list: [1, -0.5, 1e-7, null, true, ['']], '': { 'a b': '\u0000', ['__proto__']: { kept: true } } };
  return { agent_name: 'Agent 🙂', agent_type: 'agent', content: `${content} ${index}`, metadata: deep };
}

export function readTranscriptFile(path: string): RecordedRun[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
}

export function messageCount(runs: readonly RecordedRun[]): number {
  return runs.reduce((sum, { messages }) => sum + messages.length, 0);
}
