import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { IndelibleError } from '../../protocol/errors.ts';
import { checkId, type NewMessage, prepareMessage } from '../../protocol/message.ts';
import { inWireWords } from '../../server/wireError.ts';
import { withRemedy } from '../remedy.ts';

/** One recorded conversation, as a plan whose messages are yet to be written. */
export interface Transcript {
  readonly planId: string;
  readonly description: string;
  readonly messages: readonly TranscriptMessage[];
}

export type TranscriptMessage = NewMessage & { readonly messageId: string };

const lineSchema = z.object({
  run: z.string(),
  description: z.string().default(''),
  messages: z.array(
    z.object({
      agent_name: z.string(),
      agent_type: z.string().optional(),
      content: z.string(),
      metadata: z.unknown().optional(),
    }),
  ),
});

/**
 * Reads conversations, one JSON object a line: `{run, description, messages: [{agent_name, agent_type, content,
 * metadata}]}`; other members are left out. `-` is stdin. Everything is read and checked before anything is answered,
 * so a file with a bad line writes nothing.
 *
 * The plan is named after its run, a message after its run and its place in it: `airline-0-0` and `airline-0-0-17`. Read
 * again, they have the same names.
 *
 * @throws IndelibleError `invalid_config` if the file cannot be read, `invalid_transcript`, naming line and member
 */
export async function readTranscripts(path: string): Promise<Transcript[]> {
  const bytes = await bytesOf(path);
  const transcripts: Transcript[] = [];
  const lineOfRun = new Map<string, number>();
  let number = 0;
  for (const line of linesOf(bytes)) {
    number++;
    const transcript = readLine(line, number);
    if (transcript === undefined) continue;
    const before = lineOfRun.get(transcript.planId);
    if (before !== undefined)
      throw invalid(number, `run ${JSON.stringify(transcript.planId)} is that of line ${before} too`);
    lineOfRun.set(transcript.planId, number);
    transcripts.push(transcript);
  }
  if (transcripts.length > 0) return transcripts;
  throw new IndelibleError('invalid_transcript', { message: `${path} holds no conversation`, field: 'line 1' });
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return path === '-' ? await buffer(process.stdin) : await readFile(path);
  } catch (cause) {
    const error = new IndelibleError('invalid_config', { message: `cannot read ${path}`, field: 'transcripts', cause });
    throw withRemedy(error, 'Check the path of the file, and that this user may read it; "-" reads stdin.');
  }
}

/** Lines end at LF only: a JSON text may hold every other character that editors break lines at. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start);
    yield bytes.subarray(start, end < 0 ? bytes.length : end);
    start = end < 0 ? bytes.length : end + 1;
  }
}

function readLine(line: Buffer, number: number): Transcript | undefined {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(line);
    if (text.trim() === '') return undefined;
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(number, 'is not JSON in UTF-8', cause);
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(number, `${pathText(issue?.path ?? []) || 'the line'}: ${issue?.message ?? 'is invalid'}`);
  }
  const { description, messages } = parsed.data;
  const run = checkRun(parsed.data.run, number);
  return {
    planId: run,
    description,
    messages: messages.map((message, index) => {
      const named = {
        planId: run,
        messageId: `${run}-${index + 1}`,
        agentName: message.agent_name,
        agentType: message.agent_type,
        content: message.content,
        metadata: message.metadata as NewMessage['metadata'],
      };
      check(named, number, index);
      return named;
    }),
  };
}

/** Message ids are made of it, and have their own limit. */
const maxRunLength = 240;

function checkRun(run: string, number: number): string {
  if (run.length > maxRunLength) throw invalid(number, `run is longer than ${maxRunLength} characters`);
  try {
    return checkId(run, 'run');
  } catch (error) {
    throw invalid(number, error instanceof Error ? error.message : String(error), error);
  }
}

/** Refuses what a save would refuse. */
function check(message: TranscriptMessage, number: number, index: number): void {
  try {
    prepareMessage(message, { now: Date.now });
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    throw invalid(number, `messages[${index}].${inWireWords(error).message}`, error);
  }
}

/** `['messages', 3, 'content']` as `messages[3].content`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '');
}

function invalid(number: number, what: string, cause?: unknown): IndelibleError {
  return new IndelibleError('invalid_transcript', {
    message: `line ${number}: ${what}`,
    field: `line ${number}`,
    cause,
  });
}
