import { onTestFinished } from 'vitest';
import { NotifyWake } from '../../src/store/postgres/notifyWake.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { databaseOfTest, execute, storeOfTest } from './database.ts';

/** A writer, and a store that hears of it over a connection of its own through a network that can fail. */
export async function listeningThroughProxy() {
  const { url } = await databaseOfTest();
  const network = await startTcpProxy({ target: url });
  onTestFinished(() => network.close());
  const writer = await storeOfTest(url);
  const watching = await storeOfTest(url, { wake: new NotifyWake(named(network.through(url))) });
  return { url, writer, watching, network };
}

const listenerName = 'listens_for_indelible';

/** The URL under which a connection is known to the server by that name. */
export function named(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set('application_name', listenerName);
  return parsed.href;
}

/** As an administrator does it. */
export async function killListener(url: string): Promise<void> {
  await execute(
    url,
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE application_name = '${listenerName}' AND datname = current_database()`,
  );
}
