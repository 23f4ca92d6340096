/** What tests of stores and of whoever saves to them need: the contract, the oracle, the faults. */
export { History, type HistoryOptions, type ReadMessage } from './history.ts';
export type { SubmittedMessage } from './messageContent.ts';
export type { Submission, SubmissionOutcome } from './submission.ts';
export { readRow, type WatchedLog, type WireRow } from './watchedLog.ts';
