/** The thread of a `Network`: says the URL to use, then does what it is told and says when it is so. */
import { parentPort, workerData } from 'node:worker_threads';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import type { NetworkState } from './network.ts';

const { target, seed } = workerData as { readonly target: string; readonly seed: number };
const proxy = await startTcpProxy({ target, seed });
parentPort?.on('message', async (state: NetworkState) => {
  await proxy[state]();
  parentPort?.postMessage(state);
});
parentPort?.postMessage(proxy.through(target));
