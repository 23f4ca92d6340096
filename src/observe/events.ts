import type { IndelibleError } from '../protocol/errors.ts';

/** What happened, as data. Whoever wants to know listens: the counters, the log, later Prometheus and OpenTelemetry. */
export type IndelibleEvent =
  /** A message is in the database. `waitedMs`: from its acceptance to its commit. */
  | {
      readonly type: 'message_stored';
      readonly planId: string;
      readonly messageId: string;
      readonly waitedMs: number;
      readonly retries: number;
      readonly duplicate: boolean;
      /** It was on disk until now. */
      readonly spooled: boolean;
    }
  /** A message is on disk, since the database is away or slow. `waitedMs`: from its acceptance. */
  | { readonly type: 'message_spooled'; readonly planId: string; readonly messageId: string; readonly waitedMs: number }
  /** The database refused a message for good; it is kept on disk, with why, and the others go on. */
  | {
      readonly type: 'message_set_aside';
      readonly planId: string;
      readonly messageId: string;
      readonly error: IndelibleError;
    }
  /** A dead process left messages in this spool that cannot be moved now; they stay there for the next start. */
  | { readonly type: 'spool_left'; readonly path: string; readonly error: IndelibleError }
  /** The breaker opened: from now on messages go to disk. Told once, however often the database comes and goes. */
  | { readonly type: 'outage_began'; readonly error: unknown }
  /** The database is back, and what waited on disk is in it: `drained` messages, but for those set aside. */
  | {
      readonly type: 'outage_ended';
      readonly tookMs: number;
      readonly drained: number;
      readonly setAside: number;
    }
  /** A message will never be stored: bad input, a conflict, a full queue, the database's final no. */
  | {
      readonly type: 'message_refused';
      readonly planId: string;
      readonly messageId: string | undefined;
      readonly error: IndelibleError;
    }
  /** A save was answered before its message was stored; the message still waits. */
  | {
      readonly type: 'message_late';
      readonly planId: string;
      readonly messageId: string;
      readonly error: IndelibleError;
    }
  /** A batch could not be written; it is tried again after `delayMs`. */
  | {
      readonly type: 'batch_retried';
      readonly size: number;
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: unknown;
    }
  /** Texts of answers that are being written could not be put; the newest are tried again after `delayMs`. */
  | { readonly type: 'drafts_retried'; readonly size: number; readonly delayMs: number; readonly error: unknown }
  /** The writer of an answer died; what it had written is a message now, marked as interrupted. */
  | { readonly type: 'draft_recovered'; readonly planId: string; readonly messageId: string }
  /** A request was answered with a 5xx, or cut off in the middle of its answer. The client was told less than this. */
  | { readonly type: 'request_failed'; readonly method: string; readonly path: string; readonly error: unknown }
  /** A broadcast failed or was too slow. The database does not know. */
  | { readonly type: 'broadcast_failed'; readonly planId: string; readonly messageId: string; readonly error: unknown }
  | { readonly type: 'watcher_failed'; readonly planId: string; readonly error: unknown }
  | {
      readonly type: 'run_started' | 'run_resumed' | 'run_completed' | 'run_canceled';
      readonly planId: string;
      readonly teamId: string;
    }
  /** It asks a person, and nobody works on it until there is an answer. */
  | {
      readonly type: 'run_waits';
      readonly planId: string;
      readonly teamId: string;
      readonly kind: 'approval' | 'clarification';
    }
  /** A process that worked on runs is dead, as far as this one has seen: its runs are taken up. */
  | { readonly type: 'owner_buried'; readonly owner: string }
  /** This process was too long without a beat: what it worked on is not its own any more. */
  | { readonly type: 'runs_lost'; readonly owner: string; readonly runs: number }
  /** Graphs run without checkpoints: they cannot wait for people, and end with their process. */
  | { readonly type: 'no_checkpoints'; readonly error: unknown }
  | { readonly type: 'run_failed'; readonly planId: string; readonly teamId: string; readonly error: unknown }
  | {
      readonly type: 'socket_opened' | 'socket_closed';
      readonly planId: string;
      readonly userId: string;
      readonly code?: number;
    }
  /** A client of `indelible.v1` took nothing for too long and was let go. */
  | { readonly type: 'live_client_let_go'; readonly userId: string };

export type Observer = (event: IndelibleEvent) => void;

/** One observer that tells several. One that throws is the loser: the others and the message's way go on. */
export function tellAll(...observers: readonly Observer[]): Observer {
  return (event) => {
    for (const observer of observers) {
      try {
        observer(event);
      } catch {
        // An observer must not change what it observes.
      }
    }
  };
}
