import { toAgentMessage } from '../protocol/agentMessage.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { NewMessage, StoredMessage } from '../protocol/message.ts';
import type { PersistenceResult } from '../protocol/persistenceResult.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import type { Broadcaster } from './broadcaster.ts';
import type { MessagePersistenceService } from './messagePersistenceService.ts';
import type { SaveResult } from './saveResult.ts';

export interface DualPersistenceOptions {
  readonly clock?: Clock;
  /** How long a broadcast may keep the agent waiting, in ms. Default 1,000. */
  readonly broadcastDeadlineMs?: number;
}

/**
 * Saves a message, then shows it. The order is the promise: what a watcher has seen is in the database. The two are
 * apart otherwise: a socket that fails, throws or hangs never changes what the database holds, a database that is away
 * is told in the result and never thrown into the agent.
 */
export class DualPersistenceManager {
  readonly #persistence: MessagePersistenceService;
  readonly #clock: Clock;
  readonly #broadcastDeadlineMs: number;

  constructor(persistence: MessagePersistenceService, options: DualPersistenceOptions = {}) {
    this.#persistence = persistence;
    this.#clock = options.clock ?? systemClock;
    this.#broadcastDeadlineMs = options.broadcastDeadlineMs ?? 1_000;
  }

  /** Never rejects. Without a manager the message is saved all the same. */
  async persistMessage(message: NewMessage, webSocketManager?: Broadcaster | null): Promise<PersistenceResult> {
    const saved = await this.#persistence.save(message);
    if (saved.status !== 'stored') return notStored(saved, shownSpooled(saved, webSocketManager));
    const errors: IndelibleError[] = [];
    const reached = webSocketManager ? await this.#broadcast(webSocketManager, saved.message, errors) : 0;
    const websocketSent = reached > 0;
    return {
      status: 'stored',
      databaseSaved: true,
      websocketSent,
      errors,
      retryNeeded: false,
      message: toAgentMessage(saved.message, { sentViaWebsocket: websocketSent, retryCount: saved.retries }),
    };
  }

  async #broadcast(manager: Broadcaster, message: StoredMessage, errors: IndelibleError[]): Promise<number> {
    try {
      const reached = manager.broadcast(message);
      return typeof reached === 'number' ? reached : await this.#withinDeadline(reached);
    } catch (cause) {
      const { planId, messageId } = message;
      errors.push(
        IndelibleError.is(cause, 'broadcast_failed') ? cause : new IndelibleError('broadcast_failed', { cause }),
      );
      this.#persistence.observe({ type: 'broadcast_failed', planId, messageId, error: cause });
      return 0;
    }
  }

  #withinDeadline(reached: Promise<number>): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = `the broadcast took longer than ${this.#broadcastDeadlineMs} ms`;
      const cancel = this.#clock.schedule(this.#broadcastDeadlineMs, () =>
        reject(new IndelibleError('broadcast_failed', { message: late })),
      );
      // Whatever it is: managers are written by others.
      void Promise.resolve(reached).then(resolve, reject).finally(cancel);
    });
  }
}

/** Whether a watcher was shown it: it goes to watchers by itself when it is on disk, as it will when it is stored. */
function shownSpooled({ status, message }: SaveResult, manager: Broadcaster | null | undefined): boolean {
  if (status !== 'spooled') return false;
  try {
    return (manager?.shownSpooled?.(message) ?? 0) > 0;
  } catch {
    return false;
  }
}

function notStored(saved: Exclude<SaveResult, { status: 'stored' }>, sentViaWebsocket: boolean): PersistenceResult {
  const tracking = { persistenceStatus: saved.status, savedToDb: false, sentViaWebsocket, retryCount: saved.retries };
  return {
    status: saved.status,
    databaseSaved: false,
    websocketSent: sentViaWebsocket,
    errors: [saved.error],
    retryNeeded: saved.error.status === 503,
    message: saved.message === undefined ? null : toAgentMessage(saved.message, tracking),
  };
}
