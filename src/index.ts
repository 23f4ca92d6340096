/** The durable message log for AI agents. */
export type { AgentLog, LiveChannel } from './agents/agentLog.ts';
export { Indelible, type IndelibleOptions, openIndelible } from './agents/indelible.ts';
export { Feed, type FeedOptions } from './feed/feed.ts';
export type { Subscription } from './feed/subscription.ts';
export type { Watcher } from './feed/watcher.ts';
export type { IndelibleEvent, Observer } from './observe/events.ts';
export type { SaveCounts } from './observe/saveStatistics.ts';
export type { Broadcaster } from './persistence/broadcaster.ts';
export { DualPersistenceManager, type DualPersistenceOptions } from './persistence/dualPersistenceManager.ts';
export { MessagePersistenceService, type PersistenceOptions } from './persistence/messagePersistenceService.ts';
export type { MessageChange, UpdateResult } from './persistence/messageUpdate.ts';
export type { SaveResult } from './persistence/saveResult.ts';
export * from './protocol/index.ts';
export { type Clock, systemClock } from './resilience/clock.ts';
export type { AnswerOutcome, CancelOutcome, PersonAnswer } from './runs/answering.ts';
export type { OpenedSaver } from './runs/checkpointPlace.ts';
export type { Answer, ApprovalQuestion, ClarificationQuestion } from './runs/questions.ts';
export { Runner, type RunnerOptions, type StartedRun, type Task } from './runs/runner.ts';
export type {
  CheckpointSaver,
  FinalResult,
  PlannedStep,
  PlanTask,
  RunCheckpoints,
  RunContext,
  Team,
  TeamAgent,
  TeamPlan,
  TeamQuestion,
} from './runs/team.ts';
export type { DraftKey, DraftRecords, DraftTouch, OwnedDraft } from './store/draftRecords.ts';
export {
  type AppendOutcome,
  type CommitListener,
  type LogPage,
  type LogPosition,
  logStart,
  type MessageLog,
  type PlanCommit,
  type TextPage,
  type UpdateOutcome,
} from './store/messageLog.ts';
export { type OpenStoreOptions, openStore } from './store/openStore.ts';
export type { NewPlan, PlanChange, PlanFilter, PlanRecords } from './store/planRecords.ts';
export { readAll } from './store/readAll.ts';
export { readAllText } from './store/readAllText.ts';
export type { ReadPositions, Unread } from './store/readPositions.ts';
export type { RecordHint, RecordListener } from './store/recordHint.ts';
export { renderedPage } from './store/renderedPage.ts';
export { RowBytes } from './store/rowBytes.ts';
export type {
  Answered,
  Canceled,
  HeldRun,
  RunAnswer,
  RunChange,
  RunOwner,
  RunRecord,
  RunRecords,
  RunRequest,
} from './store/runRecords.ts';
export type { Store } from './store/store.ts';
export type { Wake } from './store/wake.ts';
