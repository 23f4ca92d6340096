/** Plans, watched from a browser or from Node, over `indelible.v1`. */
export { Client, type ClientOptions, createClient } from './client.ts';
export { ClientError } from './clientError.ts';
export type { PlanDraft } from './drafts.ts';
export type { PlanStorage } from './keptPlan.ts';
export type { PlanEvent, PlanEvents, PlanState } from './planEvents.ts';
export type { PlanList, PlanListSnapshot, PlanSummary } from './planList.ts';
export type { PlanGap, PlanMessage } from './planMessage.ts';
export type { PlanSnapshot } from './planSnapshot.ts';
export type { WatchedPlan } from './watchedPlan.ts';
export type { WebSocketConstructor, WebSocketLike } from './webSocketLike.ts';
