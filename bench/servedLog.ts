import { type Indelible, openIndelible } from '../src/agents/indelible.ts';
import { Runner } from '../src/runs/runner.ts';
import { type RunningServer, startServer } from '../src/server/startServer.ts';
import { deadlineMs } from './loads.ts';

export interface ServedLog {
  readonly indelible: Indelible;
  readonly server: RunningServer;
}

/** Opens a log in this process, served on a free port; agents save in the same process, as `indelible serve` has it. */
export async function serving<T>(path: string, action: (served: ServedLog) => Promise<T>): Promise<T> {
  const indelible = await openIndelible({ store: `sqlite:${path}`, persistence: { deadlineMs } });
  const runner = new Runner(indelible, [
    { id: 'none', name: 'None', description: 'Never runs', agents: [], run: () => Promise.reject(new Error('no run')) },
  ]);
  const server = await startServer({ indelible, runner, port: 0 });
  try {
    return await action({ indelible, server });
  } finally {
    await server.close();
    await runner.close();
    await indelible.close();
  }
}
