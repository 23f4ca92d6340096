import { type Observer, tellAll } from '../observe/events.ts';
import { type SaveCounts, SaveStatistics } from '../observe/saveStatistics.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import { IndelibleError } from '../protocol/errors.ts';
import {
  type AgentMessage,
  checkId,
  defaultMaxMessageBytes,
  type NewMessage,
  type PreparedMessage,
  prepareMessage,
} from '../protocol/message.ts';
import { type BackoffOptions, defaultBackoff } from '../resilience/backoff.ts';
import { type BreakerState, defaultBreakerBackoff } from '../resilience/breaker.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import type { MessageLog } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import { GroupCommit } from './groupCommit.ts';
import { type MessageChange, type UpdateResult, updateMessage } from './messageUpdate.ts';
import type { SaveResult } from './saveResult.ts';
import type { Spool } from './spool/spool.ts';

export interface PersistenceOptions {
  readonly log: MessageLog;
  readonly clock?: Clock;
  readonly observe?: Observer;
  /**
   * Where messages wait on disk while the database is away. Closed with the service. Without one they wait in memory, and
   * are lost with the process.
   */
  readonly spool?: Spool | undefined;
  /** Told of each message that was spooled, in the order of its plan. */
  readonly spooled?: (message: PreparedMessage) => void;
  /** A save is answered within this, stored or not, in ms. Default 1,000. */
  readonly deadlineMs?: number;
  /** And within this while the breaker is open: the database is known to be away. Default 50. */
  readonly openDeadlineMs?: number;
  /** A try to write that takes longer is given up, in ms, and opens the breaker. Default 1,000. */
  readonly attemptMs?: number;
  /** So many failures one after the other open the breaker. Default 5. */
  readonly failuresToOpen?: number;
  /** How long the breaker stays open before a probe. Default 200 ms, growing to 2 s. */
  readonly openBackoff?: BackoffOptions;
  /** Default 1,024. */
  readonly maxBatch?: number;
  /** Batches of different plans that are written at once. Default as the log says. */
  readonly maxInFlight?: number;
  /** Default 100,000. */
  readonly maxQueuedMessages?: number;
  /** Encoded, in bytes of UTF-8. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  readonly backoff?: BackoffOptions;
}

const maxQueuedSize = 256 * 1024 * 1024;

export interface OutageState {
  readonly breaker: BreakerState;
  /** There is a spool, and when something was last to go to disk it could, or there is more room now. */
  readonly canSpool: boolean;
  /** Messages on disk that wait for the database. */
  readonly depth: number;
  /** Bytes on disk. */
  readonly size: number;
  /** Messages that the database refused, kept on disk for somebody to look at. */
  readonly setAside: number;
  /** How long the oldest that waits on disk has done so. */
  readonly oldestAgeMs: number;
}

/**
 * The one place that saves agent messages. When a save answers *stored*, a reader of the database sees the message, and
 * no crash of this process takes it away. Messages saved to a plan in some order are stored in that order.
 *
 * Saving never throws: bad input and a database that is away are results ({@link SaveResult}), so an agent goes on.
 * Reading throws an `IndelibleError`: an empty answer would be a wrong one.
 */
export class MessagePersistenceService {
  readonly #log: MessageLog;
  readonly #clock: Clock;
  /** Tells the statistics, then whoever observes this service. */
  readonly observe: Observer;
  readonly #maxMessageBytes: number;
  readonly #statistics = new SaveStatistics();
  readonly #commit: GroupCommit;
  readonly #spool: Spool | undefined;

  constructor(options: PersistenceOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.observe = tellAll(this.#statistics.observe, options.observe ?? (() => {}));
    this.#maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
    this.#spool = options.spool;
    this.#commit = new GroupCommit({
      log: options.log,
      clock: this.#clock,
      observe: this.observe,
      spool: options.spool,
      spooled: options.spooled ?? (() => {}),
      deadlineMs: options.deadlineMs ?? 1_000,
      openDeadlineMs: options.openDeadlineMs ?? 50,
      attemptMs: options.attemptMs ?? 1_000,
      failuresToOpen: options.failuresToOpen ?? 5,
      openBackoff: options.openBackoff ?? defaultBreakerBackoff,
      maxBatch: options.maxBatch ?? 1_024,
      maxInFlight: options.maxInFlight ?? options.log.appendsAtOnce ?? 1,
      maxQueuedMessages: options.maxQueuedMessages ?? 100_000,
      maxQueuedSize,
      backoff: options.backoff ?? defaultBackoff,
    });
  }

  /** Saves one message; what it says at the moment of the call is what is stored. */
  save(message: NewMessage): Promise<SaveResult> {
    try {
      const now = () => this.#clock.now();
      return this.#commit.submit(prepareMessage(message, { now, maxMessageBytes: this.#maxMessageBytes }));
    } catch (error) {
      return Promise.resolve(this.#refuse(message, error));
    }
  }

  /** Saves messages in their order. One result per message; a bad one does not keep the others out. */
  saveAll(messages: readonly NewMessage[]): Promise<SaveResult[]> {
    return Promise.all(listOf(messages).map((message) => this.save(message)));
  }

  /** Whether the message is in the database now. {@link save} says more. */
  async saveAgentMessage(
    planId: string,
    agentName: string,
    content: string,
    metadata?: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    return (await this.save({ planId, agentName, content, metadata })).status === 'stored';
  }

  /** For each message, in order, whether it is in the database now. An empty batch answers `[]`. */
  async saveMessagesBatch(messages: readonly NewMessage[]): Promise<boolean[]> {
    return (await this.saveAll(messages)).map((result) => result.status === 'stored');
  }

  /** All messages of a plan, in order. `[]` for a plan without messages. See {@link messagesOfPlan} for long ones. */
  async getMessagesForPlan(planId: string): Promise<AgentMessage[]> {
    return Array.fromAsync(this.messagesOfPlan(planId));
  }

  /** The messages of a plan, in order, read page by page. */
  async *messagesOfPlan(planId: string): AsyncIterableIterator<AgentMessage> {
    for await (const message of readAll(this.#log, checkId(planId, 'planId'))) yield toAgentMessage(message);
  }

  /**
   * Changes content or metadata of a stored message, if its version is still `expectedVersion`: of many who update the
   * same version, one wins and the others are told `version_conflict`. The message keeps its place and its timestamp.
   */
  updateMessage(planId: string, messageId: string, change: MessageChange): Promise<UpdateResult> {
    return updateMessage(this.#log, planId, messageId, change, this.#maxMessageBytes);
  }

  /**
   * Removes a plan's messages with sequences up to `upTo`, for good. The others keep theirs, and the next message is
   * numbered as if none had gone. Answers up to where the plan is trimmed now.
   *
   * @throws IndelibleError `invalid_id`, `invalid_request`, `store_unavailable`, `store_refused`
   */
  async trimPlan(planId: string, upTo: number): Promise<number> {
    checkId(planId, 'planId');
    if (!Number.isSafeInteger(upTo) || upTo < 0) {
      throw new IndelibleError('invalid_request', { message: 'upTo is no whole number from 0', field: 'upTo' });
    }
    return await this.#log.trim(planId, upTo);
  }

  /** What became of the saves of this process so far. */
  statistics(): SaveCounts {
    return this.#statistics.counts();
  }

  /** Messages accepted that are in memory and not yet decided. */
  get queued(): number {
    return this.#commit.queued;
  }

  /** How the way to the database is, and what waits on disk for it. */
  outage(): OutageState {
    const { depth = 0, size = 0, setAsideCount = 0, oldestAcceptedAt } = this.#spool ?? {};
    const oldestAgeMs = oldestAcceptedAt === undefined ? 0 : Math.max(0, this.#clock.now() - oldestAcceptedAt);
    const { breakerState: breaker, canSpool } = this.#commit;
    return { breaker, canSpool, depth, size, setAside: setAsideCount, oldestAgeMs };
  }

  /**
   * Takes no more saves and waits for the accepted ones, at most `timeoutMs` (default 10,000); then what is left goes to
   * disk, where there is a spool.
   */
  close(timeoutMs = 10_000): Promise<void> {
    return this.#commit.close(timeoutMs);
  }

  #refuse(message: NewMessage, cause: unknown): SaveResult {
    const error = IndelibleError.is(cause) ? cause : new IndelibleError('invalid_message', { cause });
    const { planId, messageId } = nameable(message);
    this.observe({ type: 'message_refused', planId: planId ?? '', messageId, error });
    return { status: 'refused', message: undefined, retries: 0, error };
  }
}

/** What is no list is handled as a list of one, which is no message either: it is refused, not thrown. */
function listOf(messages: readonly NewMessage[]): NewMessage[] {
  try {
    return Array.isArray(messages) ? Array.from(messages) : [messages as unknown as NewMessage];
  } catch {
    return [undefined as unknown as NewMessage];
  }
}

/** The ids of an input that may be anything at all. */
function nameable(message: unknown): { planId: string | undefined; messageId: string | undefined } {
  const idOf = (key: 'planId' | 'messageId'): string | undefined => {
    try {
      const value = (message as Record<string, unknown> | null | undefined)?.[key];
      return typeof value === 'string' ? value.slice(0, 256) : undefined;
    } catch {
      return undefined;
    }
  };
  return { planId: idOf('planId'), messageId: idOf('messageId') };
}
