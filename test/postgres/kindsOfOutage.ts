import { execute } from './database.ts';
import type { Outage } from './outages.ts';

/** Statements by the server's superuser, one to begin the outage, one to end it; clients are thrown out in between. */
function administered(name: string, sqlState: string, begin: string, end: string): Outage {
  return {
    name,
    sqlState,
    async begin({ server, url }) {
      await execute(url, begin);
      await server.terminateBackends();
    },
    end: ({ url }) => execute(url, end),
  };
}

/** A failover, as clients see it: everybody is thrown out, the server can only be read, and then it can be written. */
export const readOnly: Outage = {
  name: 'read-only',
  sqlState: '25006',
  begin: ({ server }) => server.setReadOnly(true),
  end: ({ server }) => server.setReadOnly(false),
};

export const serverOutages: readonly Outage[] = [
  readOnly,
  { name: 'backends terminated', begin: ({ server }) => server.terminateBackends() },
  {
    name: 'backends killed',
    begin: ({ server }) => server.killBackends(),
    end: ({ server }) => server.ready(),
  },
  { name: 'stopped', begin: ({ server }) => server.stop('fast'), end: ({ server }) => server.start() },
  {
    name: 'stopped as by a crash',
    begin: ({ server }) => server.stop('immediate'),
    end: ({ server }) => server.start(),
  },
  { name: 'killed', begin: ({ server }) => server.kill(), end: ({ server }) => server.start() },
  { name: 'paused', begin: ({ server }) => server.pause(), end: ({ server }) => server.resume() },
];

export const networkOutages: readonly Outage[] = [
  { name: 'reset', begin: ({ network }) => network.reset(), end: ({ network }) => network.pass() },
  { name: 'reset once', begin: async ({ network }) => network.resetConnections() },
  { name: 'refused', begin: ({ network }) => network.refuse(), end: ({ network }) => network.pass() },
  { name: 'swallowed', begin: ({ network }) => network.blackHole(), end: ({ network }) => network.pass() },
  { name: 'not heard', begin: ({ network }) => network.halfOpen('fromClient'), end: ({ network }) => network.pass() },
  {
    name: 'not answered',
    begin: ({ network }) => network.halfOpen('fromServer'),
    end: ({ network }) => network.pass(),
  },
  { name: 'slow', begin: ({ network }) => network.delay(100, 200), end: ({ network }) => network.pass() },
];

/** What people do to a database while it is in use: during a failover, a restore, a rotation of credentials. */
export const administrativeOutages: readonly Outage[] = [
  administered('the role may not log in', '28000', 'ALTER ROLE indelible NOLOGIN', 'ALTER ROLE indelible LOGIN'),
  administered(
    'no connections left',
    '53300',
    'ALTER ROLE indelible CONNECTION LIMIT 0',
    'ALTER ROLE indelible CONNECTION LIMIT -1',
  ),
  administered(
    'the tables are away',
    '42P01',
    'ALTER SCHEMA indelible RENAME TO away',
    'ALTER SCHEMA away RENAME TO indelible',
  ),
  administered(
    'a table is away',
    '42P01',
    'ALTER TABLE indelible.messages RENAME TO away',
    'ALTER TABLE indelible.away RENAME TO messages',
  ),
  administered(
    'the unique constraint is not there yet',
    '42P10',
    'ALTER TABLE indelible.heads DROP CONSTRAINT heads_pkey',
    'ALTER TABLE indelible.heads ADD PRIMARY KEY (plan_id)',
  ),
  administered(
    'rights are not granted yet',
    '42501',
    'ALTER TABLE indelible.messages OWNER TO postgres',
    'ALTER TABLE indelible.messages OWNER TO indelible',
  ),
];
