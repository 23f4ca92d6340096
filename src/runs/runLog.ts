import { v7 as uuidV7 } from 'uuid';
import type { AgentLog, LiveChannel } from '../agents/agentLog.ts';
import { derivedUuid } from '../agents/derivedUuid.ts';
import type { Indelible } from '../agents/indelible.ts';
import { RepeatedAnswers } from '../agents/repeatedAnswers.ts';
import type { AgentMessage, NewMessage } from '../protocol/message.ts';

/** How long the log may be asked what was said before, in ms. */
const maxAskMs = 5_000;

export interface RunLogOptions {
  readonly planId: string;
  /** Messages without an id are named by their count in the run. */
  readonly isRepeatable: boolean;
  /** The run was begun before, so what is said may have been said. */
  readonly isAgain: boolean;
  /** See {@link CheckpointGuard.stored}. */
  readonly checkpointsStored: () => Promise<boolean> | undefined;
}

/**
 * The log as the team of one run has it. Saves in order. Guaranteed to readers:
 *
 * - What a repeatable team says again is in the log once. Where it says something else in the same place, that has an id
 *   of its own, and `metadata.replaces` names the first.
 * - What a task of a graph says is stored after the checkpoint that names the task.
 * - What was said is stored before what the run stores behind {@link handedOver}, also where the team did not wait for it.
 * - After {@link close} nothing is said any more: the run is ended, or another process's.
 */
export class RunLog implements AgentLog {
  readonly live: LiveChannel;
  readonly #indelible: Indelible;
  readonly #options: RunLogOptions;
  readonly #repeated: RepeatedAnswers;
  #turn: Promise<unknown> | undefined;
  #said = 0;
  #next: string | undefined;
  #isClosed = false;

  constructor(indelible: Indelible, options: RunLogOptions) {
    this.#indelible = indelible;
    this.#options = options;
    this.#repeated = new RepeatedAnswers(indelible, maxAskMs, indelible.clock);
    this.live = indelible.live;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when all that was said until now has been given to the log, or never will be. */
  async handedOver(): Promise<void> {
    let last: Promise<unknown> | undefined;
    do {
      last = this.#turn;
      await last;
    } while (this.#turn !== undefined && this.#turn !== last);
  }

  /** The id of the next message of this plan that is saved without one. */
  messageId(): string {
    this.#next ??= this.#options.isRepeatable ? derivedUuid(this.#options.planId, 'said', this.#said) : uuidV7();
    return this.#next;
  }

  save(message: NewMessage): Promise<unknown> {
    if (this.#isClosed) return Promise.resolve();
    if (message.planId !== this.#options.planId) return this.#indelible.save(message);
    const named = this.#named(message);
    const stored = this.#options.checkpointsStored();
    const isFirst = !(this.#options.isRepeatable && this.#options.isAgain);
    if (stored === undefined && this.#turn === undefined && isFirst) return this.#indelible.save(named);
    // The order of the messages is that of the calls, whatever each of them waits for.
    const before = this.#turn;
    const turn = (async () => {
      const [mayBeSaid] = await Promise.all([stored, before]);
      if (mayBeSaid === false || this.#isClosed) return undefined;
      return isFirst ? named : await this.#repeated.toSave(named, named.messageId);
    })();
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#turn = over;
    return turn.then((fresh) => {
      const saved = fresh === undefined ? undefined : this.#indelible.save(fresh);
      if (this.#turn === over) this.#turn = undefined;
      return saved;
    });
  }

  find(planId: string, messageId: string): Promise<AgentMessage | undefined> {
    return this.#indelible.find(planId, messageId);
  }

  #named(message: NewMessage): NewMessage & { readonly messageId: string } {
    const messageId = message.messageId ?? this.messageId();
    if (messageId === this.#next) {
      this.#next = undefined;
      this.#said++;
    }
    return { ...message, messageId };
  }
}
