import { DurableStreamTestServer } from '@durable-streams/server';

const server = new DurableStreamTestServer({ port: 0, dataDir: process.argv[2] as string });
await server.start();
process.send?.({ url: server.url });
process.on('disconnect', async () => {
  await server.stop();
  process.exit();
});
