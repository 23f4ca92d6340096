import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgres } from '../src/testing/postgresServer.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where to ask for the URL of the run's Postgres. */
    readonly postgresOnDemand: string;
  }
}

/** Nobody cuts the power in a test, so nothing need wait for the disk; what is committed survives any process. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: 500 };

/**
 * One Postgres for a whole run of tests, started when the first test asks for it: a run that needs none waits for none.
 * Tests ask through `testPostgres`.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let postgres: Promise<PostgresServer> | undefined;
  const door = createServer((_request, response) => {
    postgres ??= startPostgres({ settings });
    postgres.then(
      (server) => response.end(server.url()),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  project.provide('postgresOnDemand', `http://127.0.0.1:${(door.address() as AddressInfo).port}/`);
  return async () => {
    door.closeAllConnections();
    door.close();
    await (await postgres?.catch(() => undefined))?.close();
  };
}
