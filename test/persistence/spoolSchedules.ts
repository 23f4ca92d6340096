import { fc } from '@fast-check/vitest';
import type { Scheduler } from 'fast-check';
import type { NewMessage } from 'indelible';
import { openSqliteStore } from 'indelible/sqlite';
import { type Fault, History, ManualClock, withFaults } from 'indelible/testing';
import { MessagePersistenceService, type PersistenceOptions } from '../../src/persistence/messagePersistenceService.ts';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { MemoryDisk, MemorySpool } from './memorySpool.ts';

/** What is tested: saves messages to a log, and to a spool while that is away. */
export interface Design {
  save(message: NewMessage): Promise<SaveResult>;
  /** Whether all that it accepted is in the log. */
  readonly isDrained: boolean;
  close(): Promise<void>;
}

export interface DesignOptions {
  readonly log: MessageLog;
  readonly spool: MemorySpool;
  readonly clock: ManualClock;
}

export type MakeDesign = (options: DesignOptions) => Design;

export const groupCommit: MakeDesign = ({ log, spool, clock }) => {
  const backoff = { initialDelayMs: 10, maxDelayMs: 100 };
  const options: PersistenceOptions = { log, spool, clock, maxBatch: 3, maxInFlight: 2, failuresToOpen: 2, backoff };
  const service = new MessagePersistenceService({ ...options, openBackoff: backoff });
  return {
    save: (message) => service.save(message),
    get isDrained() {
      return spool.depth === 0 && service.queued === 0;
    },
    close: () => service.close(),
  };
};

/** Far more than any schedule takes. */
const maxLooks = 5_000;

const anyStep = fc.record({
  planId: fc.constantFrom('p1', 'p2', 'p3'),
  /** The producer waits for the answer before it goes on. */
  waits: fc.boolean(),
});
const anyFate = fc.constantFrom<Fault>('none', 'none', 'none', 'unavailable', 'unavailable', 'answer_lost');

export const anySchedule = {
  // Whatever a step sets off goes on before the next step is chosen.
  scheduler: fc.scheduler({
    act: async (step) => {
      await step();
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    },
  }),
  /** How far time goes on when it does, in ms: calls to the database take from none to many of these. */
  ticks: fc.array(fc.constantFrom(1, 5, 20, 60, 300, 1_000), { minLength: 1, maxLength: 20 }),
  agents: fc.array(fc.array(anyStep, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
  fates: fc.array(anyFate, { maxLength: 40 }),
  /** The process dies after so many answers, and another one takes over its disk. */
  crashes: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }),
};

export interface Schedule {
  readonly scheduler: Scheduler;
  readonly agents: readonly (readonly { readonly planId: string; readonly waits: boolean }[])[];
  readonly fates: readonly Fault[];
  readonly ticks: readonly number[];
  readonly crashes: readonly number[];
}

/**
 * Agents save, the database comes and goes, timers come due in any order, the process dies and another takes over the
 * disk; at the end all is well and the spool is drained. Then the oracle looks. Every save that was answered *stored* or
 * *spooled* must be there, in the order of its agent.
 */
export async function run(make: MakeDesign, { scheduler, agents, fates, ticks, crashes }: Schedule): Promise<void> {
  const sqlite = openSqliteStore(':memory:');
  const disk = new MemoryDisk();
  const clock = new ManualClock(Date.parse('2026-11-25T10:00:00.000Z'));
  const history = new History();
  const nextFate = fates.values();
  const lives: { readonly design: Design; readonly died: Promise<void>; die(): void }[] = [];

  const begin = () => {
    const { store, faults } = withFaults(sqlite);
    let isDead = false;
    faults.script = async ({ messages }) => {
      const fate = await scheduler.schedule(
        Promise.resolve(nextFate.next().value ?? 'none'),
        `append ${messages.length}`,
      );
      return isDead ? 'hang' : fate;
    };
    const spool = new MemorySpool(disk, { now: () => clock.now() });
    const design = make({ log: store.log, spool, clock });
    let died = () => {};
    const death = new Promise<void>((resolve) => {
      died = resolve;
    });
    const die = () => {
      isDead = true;
      spool.close();
      died();
    };
    lives.push({ design, died: death, die });
  };
  begin();
  let isOver = false;
  const passTime = async () => {
    for (let tick = 0; !isOver; tick++) {
      await scheduler.schedule(Promise.resolve(), 'time passes');
      clock.advance(ticks[tick % ticks.length] ?? 1);
    }
  };
  void passTime();

  const toCome = [...crashes];
  let answersToCrash = toCome.shift();
  const answered = () => {
    if (answersToCrash === undefined || --answersToCrash > 0) return;
    answersToCrash = toCome.shift();
    lives.at(-1)?.die();
    begin();
  };

  const act = async (agent: string, steps: (typeof agents)[number]) => {
    const answers: Promise<void>[] = [];
    for (const [index, { planId, waits }] of steps.entries()) {
      await scheduler.schedule(Promise.resolve(), `${agent} saves ${index}`);
      const life = lives.at(-1) as (typeof lives)[number];
      const message = { planId, messageId: `${agent}-${index}`, agentName: agent, content: `${index}` };
      const submission = history.submit(agent, message);
      const answer = Promise.race([life.design.save(message), life.died]).then((result) => {
        if (result !== undefined && life === lives.at(-1)) submission.settle(result);
        if (result !== undefined) answered();
      });
      if (waits) await answer;
      answers.push(answer);
    }
    await Promise.all(answers);
  };
  await scheduler.waitFor(Promise.all(agents.map((steps, index) => act(`agent${index}`, steps))));
  const last = lives.at(-1) as (typeof lives)[number];
  const drained = async () => {
    for (let looks = 0; !last.design.isDrained; looks++) {
      if (looks > maxLooks) throw new Error('what was accepted never reaches the log');
      await scheduler.schedule(Promise.resolve(), 'look');
    }
  };
  await scheduler.waitFor(drained());
  await history.verify(sqlite.log);
  await scheduler.waitFor(last.design.close());
  isOver = true;
  await sqlite.close();
}
