import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import type { Network } from './network.ts';

/** What can happen to the database, and how it is mended. */
export interface DatabaseFault {
  readonly name: string;
  begin(place: Place): Promise<unknown>;
  end(place: Place): Promise<unknown>;
}

interface Place {
  readonly postgres: PostgresServer;
  /** Between it and its clients. */
  readonly network: Network;
}

export const databaseFaults: readonly DatabaseFault[] = [
  { name: 'killed', begin: ({ postgres }) => postgres.kill(), end: ({ postgres }) => postgres.start() },
  { name: 'stopped', begin: ({ postgres }) => postgres.stop('fast'), end: ({ postgres }) => postgres.start() },
  { name: 'black-holed', begin: ({ network }) => network.blackHole(), end: ({ network }) => network.pass() },
  { name: 'paused', begin: ({ postgres }) => postgres.pause(), end: ({ postgres }) => postgres.resume() },
  {
    name: 'read-only',
    begin: ({ postgres }) => postgres.setReadOnly(true),
    end: ({ postgres }) => postgres.setReadOnly(false),
  },
];
