import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { PlanStatus } from '../../src/protocol/plan.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { Store } from '../../src/store/store.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { Database } from '../storesUnderTest.ts';
import type { Order } from './servingProcess.ts';

const file = fileURLToPath(new URL('./servingProcess.ts', import.meta.url));

export interface KilledRunsOptions {
  readonly database: Database;
  readonly runs: number;
  readonly kills: number;
  /** Processes are put to sleep (SIGSTOP) for so long that they are buried, and wake up. Default 0. */
  readonly sleeps?: number;
  readonly seed: number;
  readonly stepMs: number;
  /** What the processes do wrong, to see that it is found. */
  readonly fault?: 'forgets checkpoints';
}

export interface KilledRunsReport {
  readonly kills: number;
  readonly sleeps: number;
  /** Of these, right behind an answer, before it was known whether it counts. */
  readonly killsBehindAnswers: number;
  /** How the runs ended, by what was stored of them: `agent type: content` of each message, in order. */
  readonly ends: readonly { readonly planId: string; readonly status: PlanStatus; readonly said: readonly string[] }[];
}

/**
 * Runs that two processes work on, of which one or the other is killed with SIGKILL at random moments and replaced, until
 * so many kills are done; then they are left to end. People answer whatever is asked, by any process; an answer of which
 * it is not known whether it arrived is given again.
 */
export async function killedRuns(options: KilledRunsOptions): Promise<KilledRunsReport> {
  const { database, runs, kills, seed, sleeps = 0 } = options;
  const random = new SeededRandom(seed);
  const store = await database.open();
  const open = () => new ServingProcess(database.address, options);
  let processes = [open(), open()];
  let killed = 0;
  let killsBehindAnswers = 0;
  let slept = 0;
  let sleeper: ServingProcess | undefined;
  const kill = async (one: ServingProcess) => {
    killed++;
    await one.kill();
    processes = [...processes.filter((other) => other !== one), open()];
  };
  try {
    await Promise.all(processes.map((one) => one.ready));
    const planIds = Array.from({ length: runs }, (_, index) => `run-${index}`);
    for (const planId of planIds) await start(store, () => random.pick(processes), planId);
    let nextKill = performance.now() + random.below(300);
    const patience = performance.now() + 60_000 + kills * 6_000;
    for (;;) {
      const plans = await store.plans.list({ planIds, limit: runs });
      if (plans.every(({ status }) => isEnd(status))) break;
      if (performance.now() > patience) throw new Error(`not ended: ${plans.map(({ status }) => status).join()}`);
      for (const { planId, status } of plans) {
        if (!status.startsWith('pending_') || random.below(3) === 0) continue;
        const one = random.pick(processes);
        if (one === sleeper) continue;
        const answered = one.order({ answer: planId });
        if (killed < kills && random.below(2) === 0) {
          await sleep(random.below(15));
          killsBehindAnswers++;
          await kill(one);
        }
        await answered;
      }
      const serving = processes.filter(({ isReady }) => isReady);
      if (killed < kills && performance.now() > nextKill && serving.length > 0) {
        await kill(random.pick(serving));
        nextKill = performance.now() + 100 + random.below(1_200);
      }
      if (slept < sleeps && sleeper === undefined && serving.length > 1 && random.below(40) === 0) {
        slept++;
        const one = random.pick(serving);
        sleeper = one;
        void one.sleepFor(2_000).then(() => {
          sleeper = undefined;
        });
      }
      await sleep(5);
    }
    const ends = [];
    for (const planId of planIds) {
      const status = (await store.plans.find(planId))?.status as PlanStatus;
      const said = await Array.fromAsync(readAll(store.log, planId), (message) => {
        const { agentName, agentType, type, content } = toAgentMessage(message);
        return `${type} ${agentName} (${agentType}): ${content}`;
      });
      ends.push({ planId, status, said });
    }
    return { kills: killed, sleeps: slept, killsBehindAnswers, ends };
  } finally {
    await Promise.all(processes.map((one) => one.kill()));
  }
}

async function start(store: Store, any: () => ServingProcess, planId: string): Promise<void> {
  const outcome = await any().order({ start: planId });
  if ((await store.plans.find(planId)) === undefined) throw new Error(`the run did not start: ${outcome}`);
}

function isEnd(status: PlanStatus): boolean {
  return ['completed', 'failed', 'rejected', 'canceled'].includes(status);
}

class ServingProcess {
  readonly ready: Promise<void>;
  isReady = false;
  readonly #child: ChildProcess;
  readonly #over: Promise<void>;
  readonly #answers = new Map<number, (outcome: string) => void>();
  #orders = 0;

  constructor(address: string, { stepMs, fault }: KilledRunsOptions) {
    this.#child = fork(file, [address, String(stepMs), ...(fault ? [fault] : [])], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#over = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.ready = new Promise((resolve) => {
      this.#child.on('message', (said: { ready?: true; id?: number; outcome?: string }) => {
        if (said.ready) {
          this.isReady = true;
          resolve();
        } else this.#answers.get(said.id ?? -1)?.(said.outcome ?? '');
      });
    });
  }

  /** Answers `killed` if it was killed before it said how that went. */
  async order(order: Omit<Order, 'id'>): Promise<string> {
    await Promise.race([this.ready, this.#over]);
    const id = ++this.#orders;
    const answered = new Promise<string>((resolve) => this.#answers.set(id, resolve));
    if (this.#child.connected) this.#child.send({ ...order, id }, () => {});
    return await Promise.race([answered, this.#over.then(() => 'killed')]);
  }

  async sleepFor(ms: number): Promise<void> {
    this.#child.kill('SIGSTOP');
    await sleep(ms);
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#over;
  }
}
