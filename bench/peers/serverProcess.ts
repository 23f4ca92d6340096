import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  readonly url: string;
  close(): Promise<void>;
}

/** A server of `adapters/servers` in a process of its own, as servers are. `store` says where it keeps what it is given. */
export async function startServerProcess(name: string, store: string): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL(`./adapters/servers/${name}.ts`, import.meta.url)), [store], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`the server ended with ${code}`);
  });
  const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
  ended.catch(() => {});
  return {
    url,
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
