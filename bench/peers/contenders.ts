/** What is measured, and in which ways it is not the same thing. */
export interface Contender {
  readonly name: string;
  /** Where it is used: the URL of a file in `adapters/`. */
  readonly adapter: string;
  /** Its package, whose version is told; missing for Indelible itself. */
  readonly package?: string;
  /** What it does when it is asked to store a message, and how that differs from what Indelible does. */
  readonly unlike: string;
  /** Its call for several messages of a plan, if it has one that is not measured already. */
  readonly batch?: string;
  /** How often Indelible's messages a second should be a multiple of its, one message a call. */
  readonly goal?: number;
}

export const indelible: Contender = {
  name: 'Indelible',
  adapter: inAdapters('indelible'),
  unlike:
    'gives each message its place in its plan and refuses a second one with its id; notifies watchers in other ' +
    'processes. Callers of one process share commits, which is where its figures come from: the fewer call at once, ' +
    'the smaller they are.',
  batch: '`saveMessagesBatch`, for any plans',
};

export const indelibleOverHttp: Contender = {
  name: 'Indelible over HTTP',
  adapter: inAdapters('indelibleHttp'),
  unlike: 'Indelible through its server in a process of its own: `POST /api/v1/plans/{plan_id}/messages`, by `fetch`.',
  batch: 'the same call, for one plan',
};

const postgresPeers: readonly Contender[] = [
  {
    name: 'emmett-postgresql',
    adapter: inAdapters('emmett'),
    package: '@event-driven-io/emmett-postgresql',
    goal: 10,
    unlike:
      '`appendToStream`, a stream a plan. The nearest in what it promises: a gapless place in the stream, in a ' +
      'transaction, with optimistic locking on the stream. Each call is a transaction of three round trips that calls ' +
      'a function in the database; data and metadata are `jsonb`.',
    batch: 'the same call, for one stream',
  },
  {
    name: '@mastra/pg',
    adapter: inAdapters('mastra'),
    package: '@mastra/pg',
    goal: 10,
    unlike:
      '`saveMessages`, a thread a plan. Each call reads the thread, then inserts or overwrites by id and touches the ' +
      'thread in a transaction, and gives the messages back. Order by time, no places. Its own pool is of 20.',
    batch: 'the same call, for any threads',
  },
  {
    name: 'LangGraph checkpointer',
    adapter: inAdapters('langgraph'),
    package: '@langchain/langgraph-checkpoint-postgres',
    goal: 10,
    unlike:
      '`put`, one message more a put. It keeps states of a graph and no messages: every put stores all messages of the ' +
      'thread again, so what it costs grows with the thread. Here a thread ends after 20 messages (10.5 in a put on ' +
      'average); real ones go on. The `putWrites` that a graph does beside each put are left out.',
    batch: 'one put after 10 messages more, which are in memory alone until then',
  },
  {
    name: 'LangGraph checkpointer, no history',
    adapter: inAdapters('langgraphStateless'),
    package: '@langchain/langgraph-checkpoint-postgres',
    goal: 10,
    unlike: 'the same with a new thread for each put, which no graph does: what is left of it without the growth.',
    batch: 'as above',
  },
  {
    name: 'drizzle-orm',
    adapter: inAdapters('drizzle'),
    package: 'drizzle-orm',
    goal: 6,
    unlike:
      '`db.insert(messages).values(…)`, a pool of 10. No message log but a way to write SQL: one table with an identity ' +
      'column and an index by plan. Readers that go on after the last number they saw can miss rows, nothing keeps a ' +
      'message from being stored twice, nobody is told.',
    batch: 'one INSERT of several rows, for any plans',
  },
  {
    name: 'drizzle-orm, prepared',
    adapter: inAdapters('drizzlePrepared'),
    package: 'drizzle-orm',
    goal: 6,
    unlike: 'the same by `.prepare()`, as its page on performance advises.',
  },
  {
    name: 'pg-boss',
    adapter: inAdapters('pgBoss'),
    package: 'pg-boss',
    goal: 10,
    unlike:
      '`send`, one queue, nobody works on it. A queue of jobs: a message is there to be taken away, and one queue keeps ' +
      'no order of plans.',
    batch: '`insert`, for any plans',
  },
];

export const durableStreams: Contender = {
  name: 'Durable Streams',
  adapter: inAdapters('durableStreams'),
  package: '@durable-streams/server',
  unlike:
    'the server for Node in a process of its own, file-backed, and its client over HTTP; a stream of JSON a plan. No ' +
    'database: a file a stream, synced (fdatasync) for each append, and LMDB beside it. Its authors name it a ' +
    'reference for development and advise their Caddy plugin or service for production, which npm does not have.',
  batch: 'the `IdempotentProducer`, flushed after 10 messages of a stream',
};

export const contenders: readonly Contender[] = [indelible, ...postgresPeers, durableStreams, indelibleOverHttp];

/** The adapters import packages that may not be installed: nothing may import one but by its URL, where it is needed. */
function inAdapters(name: string): string {
  return new URL(`./adapters/${name}.ts`, import.meta.url).href;
}
