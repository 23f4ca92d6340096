import type { Logger } from 'pino';
import { IndelibleError } from '../protocol/errors.ts';
import type { IndelibleEvent, Observer } from './events.ts';

/** Writes events to a log, one line each; failures as warnings or errors, what goes well as debug. */
export function eventLog(logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>): Observer {
  return (event) => {
    const { level, text } = describe(event);
    logger[level]('error' in event ? { ...event, error: errorMembers(event.error) } : event, text);
  };
}

const deepestCause = 4;

/**
 * What an error says, with its causes: as JSON an error would be `{}`. Errors of others come with their stack, since
 * only that says where; ours have a code. Never throws, whatever was thrown.
 */
export function errorMembers(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return asText(error);
  const { name, message, stack, code, field } = error as Error & { code?: unknown; field?: unknown };
  const known = { name, message, code, field, ...(!IndelibleError.is(error) && { stack }) };
  if (error.cause === undefined || depth === deepestCause) return known;
  return { ...known, cause: errorMembers(error.cause, depth + 1) };
}

function asText(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'what was thrown cannot be read';
  }
}

function describe(event: IndelibleEvent): { level: 'debug' | 'info' | 'warn' | 'error'; text: string } {
  switch (event.type) {
    case 'message_stored':
      return { level: 'debug', text: 'message stored' };
    case 'message_refused':
      return { level: 'error', text: 'message refused: it is not stored' };
    case 'message_spooled':
      return { level: 'debug', text: 'message spooled: it is on disk and waits for the database' };
    case 'message_set_aside':
      return { level: 'error', text: 'message set aside: the database refuses it; see `indelible spool list`' };
    case 'spool_left':
      return { level: 'error', text: 'a spool of another process cannot be taken over: what waits there stays there' };
    case 'outage_began':
      return { level: 'error', text: 'database away: messages go to disk until it is back' };
    case 'outage_ended':
      return { level: 'info', text: 'database back: all that waited on disk is in it' };
    case 'message_late':
      return { level: 'warn', text: 'message not stored in time: it waits in memory' };
    case 'batch_retried':
      if (IndelibleError.is(event.error, 'spool_unavailable') || IndelibleError.is(event.error, 'spool_damaged')) {
        return { level: 'warn', text: 'spool not readable or writable: trying again' };
      }
      return { level: 'warn', text: 'database not writable: trying again' };
    case 'drafts_retried':
      return { level: 'warn', text: 'drafts not writable: trying again' };
    case 'draft_recovered':
      return { level: 'warn', text: 'an answer was interrupted: what was written of it is stored' };
    case 'request_failed':
      return { level: 'warn', text: 'request failed' };
    case 'broadcast_failed':
      return { level: 'warn', text: 'broadcast failed: the message is not affected' };
    case 'watcher_failed':
      return { level: 'warn', text: 'a watcher failed and was dropped' };
    case 'run_failed':
      return { level: 'error', text: 'run failed' };
    case 'run_started':
    case 'run_resumed':
    case 'run_completed':
    case 'run_canceled':
      return { level: 'info', text: event.type.replace('_', ' ') };
    case 'run_waits':
      return { level: 'info', text: 'run waits for a person' };
    case 'owner_buried':
      return { level: 'warn', text: 'a process that worked on runs is dead: its runs are taken up' };
    case 'runs_lost':
      return { level: 'warn', text: 'this process was silent for too long: its runs are taken up by others' };
    case 'no_checkpoints':
      return { level: 'warn', text: 'graphs run without checkpoints: they cannot wait for people' };
    case 'live_client_let_go':
      return { level: 'info', text: 'a client took nothing for too long and was let go' };
    case 'socket_opened':
    case 'socket_closed':
      return { level: 'debug', text: event.type.replace('_', ' ') };
  }
}
