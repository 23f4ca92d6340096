import type { PlannedCut, PlannedCuts } from './plannedCuts.ts';
import { leadingStrings, type PostgresMessage, PostgresMessageReader } from './postgresMessages.ts';
import type { Inspected, Inspector } from './proxiedConnection.ts';
import { SpokenTransaction } from './spokenTransaction.ts';

/** Requests with which a client opens a connection, instead of the start: for TLS, and for GSS encryption. */
const encryptionRequests = new Set([80877103, 80877104]);
const cancelRequest = 80877102;
const refused = 'N'.charCodeAt(0);

/** A cut that waits for the answer of the server. */
interface WaitingCut {
  readonly planned: PlannedCut;
  readonly statements: readonly string[];
  /** Which ReadyForQuery of the connection ends it. */
  readonly answer: number;
  /** What the server said meanwhile. */
  kept: Buffer[];
}

/**
 * Follows what a client and PostgreSQL say to each other over one connection, far enough to know which message asks for
 * a commit and which one says that it was done; cuts there if a cut is planned. Knows simple queries and the extended
 * protocol with named statements. A client that sends a transaction's next request before it has the answer to the last
 * one is taken to be where that answer will leave it only once it comes. Not for encrypted connections: they pass unseen.
 */
export class CommitWatch implements Inspector {
  readonly #cuts: PlannedCuts;
  readonly #client = new PostgresMessageReader();
  readonly #server = new PostgresMessageReader();
  readonly #transaction = new SpokenTransaction();
  /** `opening`: the client's next message has no type. */
  #phase: 'opening' | 'asked for encryption' | 'talking' | 'unreadable' = 'opening';
  #requests = 0;
  #answers = 0;
  #waiting: WaitingCut | undefined;

  constructor(cuts: PlannedCuts) {
    this.#cuts = cuts;
  }

  fromClient(piece: Buffer): Inspected {
    this.#client.add(piece);
    const forward: Buffer[] = [];
    for (let message = this.#nextOfClient(); message !== undefined; message = this.#nextOfClient()) {
      const statements = message.type === '' ? this.#opens(message) : this.#asks(message);
      const planned = this.#waiting === undefined && statements ? this.#cuts.take(statements) : undefined;
      if (planned !== undefined && statements !== undefined) {
        const { moment, done } = planned;
        if (moment !== 'before') forward.push(message.bytes);
        if (moment !== 'after') {
          done({ moment, statements });
          return { forward: Buffer.concat(forward), cut: true };
        }
        this.#waiting = { planned, statements, answer: this.#requests, kept: [] };
      } else forward.push(message.bytes);
    }
    if (this.#phase === 'unreadable') forward.push(this.#client.rest());
    return { forward: Buffer.concat(forward), cut: false };
  }

  fromServer(piece: Buffer): Inspected {
    this.#server.add(piece);
    const forward: Buffer[] = [];
    if (this.#phase === 'asked for encryption') forward.push(this.#encryptionAnswer());
    if (this.#phase === 'unreadable') return { forward: this.#server.rest(), cut: false };
    for (let message = this.#server.next(); message !== undefined; message = this.#server.next()) {
      if (message.type === 'Z') this.#isReady(message);
      if (this.#waiting === undefined) forward.push(message.bytes);
      else if (this.#hears(this.#waiting, message, forward)) return { forward: Buffer.concat(forward), cut: true };
    }
    return { forward: Buffer.concat(forward), cut: false };
  }

  ended(): void {
    if (this.#waiting !== undefined) this.#cuts.putBack(this.#waiting.planned);
    this.#waiting = undefined;
  }

  #nextOfClient(): PostgresMessage | undefined {
    if (this.#phase === 'unreadable') return undefined;
    return this.#client.next(this.#phase !== 'talking');
  }

  #opens({ body }: PostgresMessage): undefined {
    const code = body.readInt32BE(0);
    if (encryptionRequests.has(code)) this.#phase = 'asked for encryption';
    else if (code === cancelRequest) this.#phase = 'unreadable';
    else {
      this.#phase = 'talking';
      this.#requests++;
    }
  }

  #encryptionAnswer(): Buffer {
    const answer = this.#server.nextByte() ?? Buffer.alloc(0);
    this.#phase = answer[0] === refused ? 'opening' : 'unreadable';
    return answer;
  }

  /** The statements that this message asks to commit, if it does. */
  #asks({ type, body }: PostgresMessage): readonly string[] | undefined {
    const [first = '', second = ''] = leadingStrings(body, 2);
    switch (type) {
      case 'P':
        this.#transaction.prepares(first, second);
        return undefined;
      case 'B':
        this.#transaction.binds(first, second);
        return undefined;
      case 'E':
        this.#transaction.executes(first);
        return undefined;
      case 'Q':
        this.#requests++;
        return this.#transaction.queries(first);
      case 'S':
        this.#requests++;
        return this.#transaction.syncs();
      case 'F':
        this.#requests++;
        return undefined;
      default:
        return undefined;
    }
  }

  #isReady({ body }: PostgresMessage): void {
    this.#answers++;
    this.#transaction.is(body.toString('latin1') as 'I' | 'T' | 'E');
  }

  /** True once the server has said that it committed. */
  #hears(waiting: WaitingCut, { type, bytes }: PostgresMessage, forward: Buffer[]): boolean {
    waiting.kept.push(bytes);
    const isAnswer = this.#answers >= waiting.answer;
    if (isAnswer && type === 'Z') {
      this.#waiting = undefined;
      waiting.planned.done({ moment: 'after', statements: waiting.statements });
      return true;
    }
    // An answer to an earlier request, or an invitation to send data without which there is no going on.
    const mustPass = type === 'Z' || type === 'G' || type === 'W';
    const failed = type === 'E' && this.#answers === waiting.answer - 1;
    if (mustPass || failed) forward.push(...waiting.kept.splice(0));
    if (failed) this.ended();
    return false;
  }
}
