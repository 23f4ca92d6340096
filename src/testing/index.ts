/** What tests of stores and of whoever saves to them need: the contract, the oracle, the faults. */
export type { ContractTest, OpenStore } from './contract/contractTest.ts';
export { type Fault, Faults, type StoreCall } from './faults.ts';
export { faultyLog, withFaults } from './faultyStore.ts';
export { History, type HistoryOptions, type ReadMessage } from './history.ts';
export { JumpingClock, type JumpingClockOptions } from './jumpingClock.ts';
export { ManualClock } from './manualClock.ts';
export type { SubmittedMessage } from './messageContent.ts';
export type { Backend, BackendFilter } from './postgres/postgresAdmin.ts';
export type { PostgresSettings } from './postgres/postgresCluster.ts';
export { type PostgresProxy, type PostgresProxyOptions, startPostgresProxy } from './postgresProxy.ts';
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgresServer.ts';
export type { Cut, CutMoment } from './proxy/plannedCuts.ts';
export type { Direction, Inspected, Inspector } from './proxy/proxiedConnection.ts';
export { storeContract } from './storeContract.ts';
export type { Submission, SubmissionOutcome } from './submission.ts';
export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcpProxy.ts';
export { readRow, type WatchedLog, type WireRow } from './watchedLog.ts';
