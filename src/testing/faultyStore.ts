import type { PreparedMessage } from '../protocol/message.ts';
import type { DraftRecords } from '../store/draftRecords.ts';
import type { MessageLog, TextPage } from '../store/messageLog.ts';
import type { PlanRecords } from '../store/planRecords.ts';
import type { ReadPositions } from '../store/readPositions.ts';
import type { RunRecords } from '../store/runRecords.ts';
import type { Store } from '../store/store.ts';
import { Faults } from './faults.ts';

/** The store, as one that fails the way `faults` says; hints and `close` are left alone. */
export function withFaults(
  store: Store,
  faults: Faults = new Faults(),
): { readonly store: Store; readonly faults: Faults } {
  const faulty: Store = {
    description: store.description,
    log: faultyLog(store.log, faults),
    plans: faultyPlans(store.plans, faults),
    runs: faultyRuns(store.runs, faults),
    drafts: faultyDrafts(store.drafts, faults),
    readPositions: faultyReadPositions(store.readPositions, faults),
    onRecordChange: (listener) => store.onRecordChange(listener),
    close: () => store.close(),
  };
  return { store: faulty, faults };
}

export function faultyLog(log: MessageLog, faults: Faults): MessageLog {
  const suffer = <T>(name: string, action: () => Promise<T>, messages: readonly PreparedMessage[] = []): Promise<T> =>
    faults.suffer({ name, messages }, action);
  return {
    epoch: log.epoch,
    append: (batch) => suffer('append', () => log.append(batch), batch),
    update: (message, version) => suffer('update', () => log.update(message, version), [message]),
    trim: (planId, upTo) => suffer('trim', () => log.trim(planId, upTo)),
    find: (planId, messageId) => suffer('find', () => log.find(planId, messageId)),
    read: (planId, after, limit) => suffer('read', () => log.read(planId, after, limit)),
    ...(log.readText && {
      readText: (...page: Parameters<NonNullable<MessageLog['readText']>>) =>
        suffer('read', () => log.readText?.(...page) as Promise<TextPage>),
    }),
    heads: (planIds) => suffer('heads', () => log.heads(planIds)),
    onCommit: (listener) => log.onCommit(listener),
  };
}

function faultyPlans(plans: PlanRecords, faults: Faults): PlanRecords {
  const suffer = <T>(name: string, action: () => Promise<T>): Promise<T> =>
    faults.suffer({ name: `plans.${name}`, messages: [] }, action);
  return {
    create: (plan) => suffer('create', () => plans.create(plan)),
    change: (planId, change) => suffer('change', () => plans.change(planId, change)),
    find: (planId) => suffer('find', () => plans.find(planId)),
    list: (filter) => suffer('list', () => plans.list(filter)),
  };
}

function faultyRuns(runs: RunRecords, faults: Faults): RunRecords {
  const suffer = <T>(name: string, action: () => Promise<T>): Promise<T> =>
    faults.suffer({ name: `runs.${name}`, messages: [] }, action);
  return {
    begin: (...run) => suffer('begin', () => runs.begin(...run)),
    find: (planId) => suffer('find', () => runs.find(planId)),
    join: (owner) => suffer('join', () => runs.join(owner)),
    beat: (owner) => suffer('beat', () => runs.beat(owner)),
    owners: () => suffer('owners', () => runs.owners()),
    bury: (...seen) => suffer('bury', () => runs.bury(...seen)),
    leave: (owner) => suffer('leave', () => runs.leave(owner)),
    take: (...wanted) => suffer('take', () => runs.take(...wanted)),
    held: (owner) => suffer('held', () => runs.held(owner)),
    change: (...change) => suffer('change', () => runs.change(...change)),
    ask: (...question) => suffer('ask', () => runs.ask(...question)),
    answer: (...answer) => suffer('answer', () => runs.answer(...answer)),
    end: (...end) => suffer('end', () => runs.end(...end)),
    cancel: (...run) => suffer('cancel', () => runs.cancel(...run)),
    toCancel: (owner) => suffer('toCancel', () => runs.toCancel(owner)),
  };
}

function faultyDrafts(drafts: DraftRecords, faults: Faults): DraftRecords {
  const suffer = <T>(name: string, action: () => Promise<T>): Promise<T> =>
    faults.suffer({ name: `drafts.${name}`, messages: [] }, action);
  return {
    put: (some) => suffer('put', () => drafts.put(some)),
    touch: (owner, at) => suffer('touch', () => drafts.touch(owner, at)),
    remove: (some) => suffer('remove', () => drafts.remove(some)),
    ofPlans: (planIds) => suffer('ofPlans', () => drafts.ofPlans(planIds)),
    abandoned: (before, limit) => suffer('abandoned', () => drafts.abandoned(before, limit)),
  };
}

function faultyReadPositions(positions: ReadPositions, faults: Faults): ReadPositions {
  const suffer = <T>(name: string, action: () => Promise<T>): Promise<T> =>
    faults.suffer({ name: `readPositions.${name}`, messages: [] }, action);
  return {
    advance: (...read) => suffer('advance', () => positions.advance(...read)),
    unread: (...asked) => suffer('unread', () => positions.unread(...asked)),
  };
}
