/** What one client may cost the server. Durations in milliseconds, sizes in bytes. */
export interface ServerLimits {
  /** A request's body; over it 413. */
  readonly maxBodyBytes: number;
  /** A request's line and headers; over it 431. */
  readonly maxHeaderBytes: number;
  /** The body of a call by which agents write: a batch of messages, a draft. */
  readonly maxAppendBytes: number;
  /** An agent that writes an answer by calls and says nothing for so long counts as dead. */
  readonly draftSilenceMs: number;
  /** How long headers may take; then 408, within {@link connectionCheckMs}. Node's own default is 60 s. */
  readonly headersTimeoutMs: number;
  /** How long a whole request may take to arrive; then 408. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. */
  readonly connectionCheckMs: number;
  /** How long the database may take to begin an answer; then 503. */
  readonly storeDeadlineMs: number;
  /** Plans in one answer of `GET /plans`: the newest. */
  readonly maxListedPlans: number;
  readonly socketsPerPlan: number;
  readonly socketsPerUser: number;
  /** Sockets and event streams of /api/v1 that one user may have. */
  readonly liveConnectionsPerUser: number;
  /** Plans that one of those may watch. So many more may a client send at once: it may come back and name them all. */
  readonly subscriptionsPerConnection: number;
  /** A message a client sends over a socket; over it close 1009. */
  readonly maxInboundBytes: number;
  /** Frames of one such message; over it close 1008. */
  readonly maxInboundFragments: number;
  /** How long such a message may take to arrive; then close 1008. */
  readonly inboundTimeoutMs: number;
  /** Messages and pings a client may send at once, and per second in the long run; over it close 1008. */
  readonly inboundBurst: number;
  readonly inboundPerSecond: number;
  /** From ping to ping; a peer that is silent for two of them is let go. */
  readonly heartbeatMs: number;
  /** What may wait for a slow reader. While more waits it is given nothing, and reads on from the log later. */
  readonly maxWaitingBytes: number;
  /** A reader for which more waited, and that took not all of it within this, is let go. */
  readonly drainTimeoutMs: number;
  /** How long closing the server waits for requests and sockets to end by themselves. */
  readonly closeTimeoutMs: number;
}

export const defaultLimits: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxAppendBytes: 16 * 1024 * 1024,
  draftSilenceMs: 60_000,
  headersTimeoutMs: 8_000,
  requestTimeoutMs: 30_000,
  connectionCheckMs: 1_000,
  storeDeadlineMs: 900,
  maxListedPlans: 1_000,
  socketsPerPlan: 5,
  socketsPerUser: 10,
  liveConnectionsPerUser: 100,
  subscriptionsPerConnection: 256,
  maxInboundBytes: 64 * 1024,
  maxInboundFragments: 128,
  inboundTimeoutMs: 10_000,
  inboundBurst: 100,
  inboundPerSecond: 20,
  heartbeatMs: 30_000,
  maxWaitingBytes: 1024 * 1024,
  drainTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
};
