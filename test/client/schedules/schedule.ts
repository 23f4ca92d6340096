import fc from 'fast-check';
import { Client } from '../../../src/client/client.ts';
import type { PlanState } from '../../../src/client/planEvents.ts';
import type { PlanGap, PlanMessage } from '../../../src/client/planMessage.ts';
import { ManualClock } from '../../../src/testing/manualClock.ts';
import { ChangingLog, planId } from './changingLog.ts';
import { DirectServer } from './directServer.ts';

/** What may happen, one after the other. */
export type Step =
  | { readonly does: 'append'; readonly count: number; readonly isTold: boolean }
  | { readonly does: 'update'; readonly which: number; readonly isTold: boolean }
  | { readonly does: 'trim' | 'replace'; readonly share: number }
  | { readonly does: 'deliver'; readonly count: number }
  | { readonly does: 'cut'; readonly isTold: boolean }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'turn'; readonly count: number }
  | { readonly does: 'write'; readonly text: string }
  | { readonly does: 'restart' | 'leave' | 'reload' };

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('append'), count: fc.integer({ min: 1, max: 9 }), isTold: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('update'), which: share, isTold: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('deliver'), count: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('turn'), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('cut'), isTold: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('wait'), ms: fc.constantFrom(1, 20, 300, 1_600, 16_000) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('write'), text: fc.constantFrom('a', 'bc', 'def') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('trim', 'replace'), share }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('restart', 'leave', 'reload') }) },
);

export const anySchedule = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
  turns: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }),
});
export type Schedule = typeof anySchedule extends fc.Arbitrary<infer T> ? T : never;

/** Whatever shows a plan to somebody. */
export interface Viewer {
  readonly messages: readonly PlanMessage[];
  readonly gaps: readonly PlanGap[];
  readonly state: PlanState;
  /** How often what it was sent made no sense to it. */
  readonly misfits: number;
  /** Nobody looks for a while. */
  leave(): void;
  /** The page is loaded again. */
  reload(): void;
  close(): void;
}

export type MakeViewer = (server: DirectServer, clock: ManualClock) => Viewer;

/** The client of this package, with a storage that outlives its pages. */
export const theClient: MakeViewer = (server, clock) => {
  const texts = new Map<string, string>();
  const open = () =>
    new Client({
      url: 'http://server',
      webSocket: server.WebSocket,
      clock,
      random: () => 0.5,
      page: {},
      storage: { getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => texts.set(key, text) },
      onError: (error) => {
        throw error;
      },
    });
  const watch = () => {
    const watched = client.plan(planId);
    watched.on('error', () => misfits++);
    return watched;
  };
  let misfits = 0;
  let client = open();
  let plan = watch();
  return {
    get misfits() {
      return misfits;
    },
    get messages() {
      return plan.messages;
    },
    get gaps() {
      return plan.gaps;
    },
    get state() {
      return plan.state;
    },
    leave() {
      plan.close();
      clock.advance(1_500);
      plan = watch();
    },
    reload() {
      client.close();
      client = open();
      plan = watch();
    },
    close: () => client.close(),
  };
};

/**
 * Runs a schedule; throws where the viewer shows, at any moment, what is no run of one history, or at the end, all being
 * well again, not what the log holds.
 */
export async function run({ steps, turns }: Schedule, makeViewer: MakeViewer): Promise<void> {
  let turn = 0;
  const log = new ChangingLog(() => turns[turn++ % turns.length] ?? 0);
  const server = new DirectServer(log);
  const clock = new ManualClock();
  const viewer = makeViewer(server, clock);
  let written = '';
  const look = () => refuseIfNoRun(viewer, log);
  try {
    for (const one of steps) {
      switch (one.does) {
        case 'append':
          log.append(one.count, one.isTold);
          break;
        case 'update':
          log.update(one.which, one.isTold);
          break;
        case 'trim':
          log.trim(one.share);
          break;
        case 'replace':
          log.replace(one.share);
          break;
        case 'deliver':
          server.deliver(one.count);
          break;
        case 'cut':
          server.cut(one.isTold);
          break;
        case 'wait':
          server.clock.advance(one.ms);
          clock.advance(one.ms);
          break;
        case 'turn':
          for (let count = one.count; count > 0; count--) await Promise.resolve();
          break;
        case 'write':
          written = write(server, written, one.text);
          break;
        case 'restart':
          server.restart();
          break;
        case 'leave':
        case 'reload':
          viewer[one.does]();
      }
      look();
    }
    await allIsWell(server, clock, look);
    refuseIfNotAll(viewer, log);
    if (log.histories.length === 1 && viewer.misfits > 0) throw new Violation('let go what was right');
  } finally {
    viewer.close();
    server.feed.close();
  }
}

/** An answer that is being written; it is never finished, so it becomes no message. */
function write({ feed }: DirectServer, before: string, text: string): string {
  const answer = { planId, streamId: 'draft', agentName: 'Scribe', timestamp: '' } as const;
  if (before === '') feed.publish({ ...answer, type: 'agent_stream_start' });
  feed.publish({ ...answer, type: 'agent_message_streaming', delta: text });
  return before + text;
}

/** Long enough for the longest wait between two tries, and for all that was not told to be found. */
async function allIsWell(server: DirectServer, clock: ManualClock, look: () => void): Promise<void> {
  for (let second = 0; second < 40; second++) {
    clock.advance(1_000);
    server.clock.advance(1_000);
    for (let round = 0; round < 12; round++) {
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      server.deliver(25);
      look();
    }
  }
}

class Violation extends Error {}

/** It shows a run that there was: in order, each once, holes only where it says so. */
function refuseIfNoRun({ messages, gaps }: Viewer, { histories }: ChangingLog): void {
  const stored = messages.filter(({ stored }) => stored);
  const missing = new Map(gaps.map((gap) => [gap.from, gap.to]));
  let last = 0;
  for (const { sequence } of stored) {
    for (let to = missing.get(last + 1); to !== undefined; to = missing.get(last + 1)) last = to;
    if (sequence !== last + 1) throw new Violation(`shows ${sequence} behind ${last}`);
    last = sequence;
  }
  // A server goes on reading from behind its place until it has noticed that the database is another one.
  let history = 0;
  for (const { messageId, sequence } of stored) {
    while (histories[history]?.messages[sequence - 1]?.messageId !== messageId) {
      if (++history >= histories.length) throw new Violation(`shows ${messageId} at ${sequence}, where it never was`);
    }
  }
}

function refuseIfNotAll({ messages, gaps, state }: Viewer, { now }: ChangingLog): void {
  if (state !== 'live') throw new Violation(`is ${state} at the end`);
  const isTold = (sequence: number) => gaps.some(({ from, to }) => from <= sequence && sequence <= to);
  const shown = new Map(messages.map((message) => [message.sequence, message]));
  for (const { sequence, messageId, version, body } of now.messages) {
    const message = shown.get(sequence);
    if (sequence <= now.trimmed && (message !== undefined || isTold(sequence))) continue;
    if (message === undefined) throw new Violation(`does not show ${sequence}`);
    const isRight = message.messageId === messageId && message.version === version;
    if (!isRight || message.content !== JSON.parse(body).content) throw new Violation(`shows ${sequence} as it is not`);
  }
  if (messages.length > now.messages.length) throw new Violation('shows more than there is');
}
