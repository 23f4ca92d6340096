import { DefaultChatTransport, type HttpChatTransportInitOptions, type UIMessage, type UIMessageChunk } from 'ai';
import type { WireMessageBody } from '../protocol/messageBytes.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import { isLast, isUsers, turnsOf } from './aiSdkConversation.ts';
import { type PlanFrame, planEvents } from './aiSdkPlanEvents.ts';
import { AiSdkReplay } from './aiSdkReplay.ts';

export type IndelibleChatTransportOptions<M extends UIMessage> = HttpChatTransportInitOptions<M> & {
  /** Where Indelible's API is: an origin, or the beginning of a path. Default: where the page is from. */
  readonly server?: string | undefined;
  /** The plan of a chat. Default: its id. */
  readonly planId?: ((chatId: string) => string) | undefined;
  /**
   * How long to wait for the next sign of an answer that is due and nobody is seen writing (a tool at work, or a process
   * that died), in ms. Default 60,000.
   */
  readonly patienceMs?: number | undefined;
  readonly clock?: Clock | undefined;
};

type Reconnect = Parameters<DefaultChatTransport<UIMessage>['reconnectToStream']>[0];

/**
 * A transport for `useChat` that asks as the AI SDK's own does (`api`, `/api/chat`), and resumes from the log: with
 * `resume: true` a page that is loaded in the middle of an answer shows what is there of it, and goes on with it as it is
 * written. It runs in browsers.
 *
 * ```ts
 * import { IndelibleChatTransport } from 'indelible/ai-sdk/client';
 * const { messages, sendMessage } = useChat({ id, messages: initial, resume: true, transport: new IndelibleChatTransport() });
 * ```
 *
 * The answer is told from its beginning, under the id that {@link chatMessages} and `respond` give it, so that it takes
 * the place of whatever the page has of it; what the page ends with is what the log holds. An answer that was finished
 * more than `patienceMs` ago is left alone: the page was loaded with it.
 */
export class IndelibleChatTransport<M extends UIMessage = UIMessage> extends DefaultChatTransport<M> {
  readonly #server: string;
  readonly #planId: (chatId: string) => string;
  readonly #patienceMs: number;
  readonly #clock: Clock;

  constructor(options: IndelibleChatTransportOptions<M> = {}) {
    const { server = '', planId = (chatId) => chatId, patienceMs = 60_000, clock = systemClock, ...others } = options;
    super(others);
    this.#server = server.replace(/\/$/, '');
    this.#planId = planId;
    this.#patienceMs = patienceMs;
    this.#clock = clock;
  }

  override async reconnectToStream(options: Reconnect): Promise<ReadableStream<UIMessageChunk> | null> {
    const stop = new AbortController();
    const signal =
      options.abortSignal === undefined ? stop.signal : AbortSignal.any([options.abortSignal, stop.signal]);
    const frames = planEvents({ clock: this.#clock, signal, open: (after) => this.#open(options, after, signal) });
    const { messages, drafts, pending } = await untilTold(frames, this.#clock);
    const answer = turnsOf(messages).at(-1);
    if (answer === undefined || (drafts.length === 0 && this.#isLongOver(messages.at(-1)))) {
      stop.abort();
      pending?.catch(() => {});
      return null;
    }
    const told = answer.role === 'assistant' ? answer : undefined;
    const last = told?.messages.at(-1);
    // What is written behind an answer's end is that answer, asked for again: it takes its place.
    const isAnother = drafts.length > 0 && last !== undefined && isEnd(last);
    const known = isAnother ? drafts : [...(told?.messages ?? []).map(asFrame), ...drafts];
    return this.#stream(frames, pending, stop, told?.id, known);
  }

  #isLongOver(last: WireMessageBody | undefined): boolean {
    if (last === undefined || !isLast(last)) return false;
    return this.#clock.now() - Date.parse(last.timestamp) > this.#patienceMs;
  }

  #stream(
    frames: AsyncGenerator<PlanFrame, void>,
    pending: Promise<IteratorResult<PlanFrame, void>> | undefined,
    stop: AbortController,
    id: string | undefined,
    known: readonly PlanFrame[],
  ): ReadableStream<UIMessageChunk> {
    const answer = answerOf(frames, pending, known, id, { clock: this.#clock, patienceMs: this.#patienceMs });
    return new ReadableStream<UIMessageChunk>({
      async pull(controller) {
        try {
          const next = await answer.next();
          if (next.done !== true) return controller.enqueue(next.value);
          stop.abort();
          controller.close();
        } catch (error) {
          stop.abort();
          controller.error(error);
        }
      },
      cancel: () => stop.abort(),
    });
  }

  async #open({ chatId, headers }: Reconnect, after: string | undefined, signal: AbortSignal): Promise<Response> {
    const place = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const all = new Headers(await settled(this.headers));
    for (const [name, value] of new Headers(headers)) all.set(name, value);
    all.set('accept', 'text/event-stream');
    const credentials = await settled(this.credentials);
    const get = this.fetch ?? globalThis.fetch;
    return get(`${this.#server}/api/v1/plans/${encodeURIComponent(this.#planId(chatId))}/events${place}`, {
      headers: all,
      signal,
      ...(credentials === undefined ? {} : { credentials }),
    });
  }
}

type Settled<T> = T extends (...args: never[]) => infer R ? Awaited<R> : Awaited<T>;

/** The AI SDK takes these as values, as promises, and as functions of either. */
async function settled<T>(given: T): Promise<Settled<T>> {
  return (typeof given === 'function' ? await given() : await given) as Settled<T>;
}

/** How long the server may take to tell what is being written, once it has told what is there, in ms. */
const toldWithinMs = 1_000;

/** What is there, and what was being written; `pending`: the next frame, if it was asked for. */
async function untilTold(
  frames: AsyncGenerator<PlanFrame, void>,
  clock: Clock,
): Promise<{
  messages: WireMessageBody[];
  drafts: PlanFrame[];
  pending: Promise<IteratorResult<PlanFrame, void>> | undefined;
}> {
  const messages = new Map<string, WireMessageBody>();
  const drafts: PlanFrame[] = [];
  let pending: Promise<IteratorResult<PlanFrame, void>> | undefined;
  let late: Promise<'late'> | undefined;
  let cancel = () => {};
  for (;;) {
    // Not for await: the events go on behind this.
    pending = frames.next();
    const result = await (late === undefined ? pending : Promise.race([pending, late]));
    if (result === 'late') break;
    pending = undefined;
    if (result.done === true || result.value.type === 'read') break;
    const { value } = result;
    if (value.type === 'message') messages.set(value.message.message_id, value.message);
    if (value.type === 'draft') drafts.push(value);
    if (value.type === 'caught_up') {
      late = new Promise((resolve) => {
        cancel = clock.schedule(toldWithinMs, () => resolve('late'));
      });
    }
  }
  cancel();
  return { messages: [...messages.values()], drafts: drafts.filter((draft) => isOpen(draft, messages)), pending };
}

/** Whether the model said here that it is done. */
function isEnd(message: WireMessageBody): boolean {
  return typeof message.metadata['finish_reason'] === 'string' && isLast(message);
}

function isOpen(frame: PlanFrame, messages: ReadonlyMap<string, WireMessageBody>): boolean {
  return frame.type === 'draft' && !messages.has(frame.draft_id);
}

/** Somebody has asked something else, or the same again. */
function beginsAnother(message: WireMessageBody): boolean {
  return isUsers(message);
}

function asFrame(message: WireMessageBody): PlanFrame {
  return { type: 'message', message };
}

/** One answer, to its end: what is known of it, then what comes. */
async function* answerOf(
  coming: AsyncGenerator<PlanFrame, void>,
  pending: Promise<IteratorResult<PlanFrame, void>> | undefined,
  known: readonly PlanFrame[],
  id: string | undefined,
  { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number },
): AsyncGenerator<UIMessageChunk, void> {
  const replay = new AiSdkReplay();
  let begun = false;
  let next = pending;
  const waiting = [...known];
  for (;;) {
    const frame = waiting.shift() ?? (await sign());
    if (frame === undefined) break;
    if (frame.type !== 'message' && frame.type !== 'draft') continue;
    if (frame.type === 'message' && beginsAnother(frame.message)) break;
    if (!begun) yield* replay.begin(id ?? (frame.type === 'message' ? frame.message.message_id : frame.draft_id));
    begun = true;
    yield* frame.type === 'message' ? replay.message(frame.message) : replay.draft(frame);
    if (frame.type === 'message' && isLast(frame.message) && waiting.length === 0) break;
  }
  if (begun) yield* replay.end();

  /** The next event; undefined if the answer that is due is not seen to come. */
  async function sign(): Promise<PlanFrame | undefined> {
    next ??= coming.next();
    // Given up on, it ends with the connection, which nobody is to be told of.
    next.catch(() => {});
    let cancel = () => {};
    const late = new Promise<'late'>((resolve) => {
      if (!replay.isWriting) cancel = clock.schedule(patienceMs, () => resolve('late'));
    });
    const result = await Promise.race([next, late]);
    cancel();
    if (result === 'late') return undefined;
    next = undefined;
    return result.done === true ? undefined : result.value;
  }
}
