import type { Clock } from '../resilience/clock.ts';

/** What can be closed, and cut off if that takes too long. */
interface Closing {
  readonly ended: Promise<unknown>;
  terminate(): void;
}

/** Closes what is open, and cuts off what has not ended in time. Resolves when all have ended. */
export async function closeInTime<C extends Closing>(
  clients: readonly C[],
  close: (client: C) => void,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const cancel = clock.schedule(timeoutMs, () => {
    for (const client of clients) client.terminate();
  });
  for (const client of clients) close(client);
  await Promise.all(clients.map(({ ended }) => ended));
  cancel();
}
