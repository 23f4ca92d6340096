/** What tests of stores and of whoever saves to them need: the contract, the oracle, the faults. */
export type { ContractTest, OpenStore } from './contract/contractTest.ts';
export { type Fault, Faults, type StoreCall } from './faults.ts';
export { faultyLog, withFaults } from './faultyStore.ts';
export { History, type HistoryOptions, type ReadMessage } from './history.ts';
export type { SubmittedMessage } from './messageContent.ts';
export { storeContract } from './storeContract.ts';
export type { Submission, SubmissionOutcome } from './submission.ts';
export { readRow, type WatchedLog, type WireRow } from './watchedLog.ts';
