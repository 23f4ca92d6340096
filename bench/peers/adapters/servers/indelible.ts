import { openIndelible } from '../../../../src/agents/indelible.ts';
import { Runner } from '../../../../src/runs/runner.ts';
import { startServer } from '../../../../src/server/startServer.ts';

const indelible = await openIndelible({ store: process.argv[2] as string, persistence: { deadlineMs: 60_000 } });
const runner = new Runner(indelible, [
  { id: 'none', name: 'None', description: 'Never runs', agents: [], run: () => Promise.reject(new Error('no run')) },
]);
const server = await startServer({ indelible, runner, port: 0 });
process.send?.({ url: server.url });
process.on('disconnect', async () => {
  await server.close();
  await runner.close();
  await indelible.close();
  process.exit();
});
