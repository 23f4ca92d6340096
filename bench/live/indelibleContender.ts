import { type Indelible, openIndelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { type RunningServer, startServer } from '../../src/server/startServer.ts';
import { deadlineMs } from '../loads.ts';
import { Workload } from '../workload.ts';
import { burstSize, type Contender, planId } from './contender.ts';

/** A log on SQLite, synced with every commit, served as `indelible serve` has it. */
export class IndelibleContender implements Contender {
  readonly path = '/api/v1/socket';
  readonly hello = JSON.stringify({ type: 'subscribe', plan_id: planId });
  readonly answers = 1;
  readonly #indelible: Indelible;
  readonly #server: RunningServer;
  readonly #workload = new Workload(1);
  #made = 0;

  private constructor(indelible: Indelible, server: RunningServer) {
    this.#indelible = indelible;
    this.#server = server;
  }

  static async start(database: string): Promise<IndelibleContender> {
    const indelible = await openIndelible({ store: `sqlite:${database}`, persistence: { deadlineMs } });
    const runner = new Runner(indelible, [
      {
        id: 'none',
        name: 'None',
        description: 'Never runs',
        agents: [],
        run: () => Promise.reject(new Error('no run')),
      },
    ]);
    const server = await startServer({ indelible, runner, port: 0 });
    return new IndelibleContender(indelible, server);
  }

  get port(): number {
    return this.#server.port;
  }

  /** A burst: so many save at once, each its next message when the last is stored. What a commit holds goes out at once. */
  async send(count: number, how: 'burst' | 'single'): Promise<void> {
    const end = this.#made + count;
    const saver = async () => {
      while (this.#made < end) {
        const { status } = await this.#indelible.save(this.#workload.message(this.#made++));
        if (status !== 'stored') throw new Error(`a save was answered ${status}`);
      }
    };
    await Promise.all(Array.from({ length: how === 'burst' ? burstSize : 1 }, saver));
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.#indelible.close();
  }
}
