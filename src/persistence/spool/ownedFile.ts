import { IndelibleError } from '../../protocol/errors.ts';
import { FileIdentity } from './fileIdentity.ts';
import { rebuild } from './rebuild.ts';
import { SpoolConnection } from './spoolConnection.ts';
import { isBusy, isCorrupt, spoolFailure } from './spoolFailure.ts';
import type { SpoolOwner } from './spoolOwner.ts';
import type { SpoolState } from './spoolState.ts';
import { Tally } from './tally.ts';

/** What a transaction of the owner did. */
export interface Written<T> {
  readonly result: T;
  /** The last id that it gave out, if it gave out any: those behind {@link OwnedFile.lastId}. */
  readonly lastId?: number;
  /** The caller cannot say how the tally changed. */
  readonly recount?: boolean;
}

/** So many free pages (of 4 KiB) are given back to the disk when nothing waits any more. */
const manyFreePages = 2_048;

/**
 * The spool's file in the hands of its owner: transactions that either are on disk when they return or did not happen,
 * and a {@link Tally} that is true after each.
 *
 * After a write that failed nobody knows what is on disk: the system may have dropped the pages that it could not flush,
 * and a second flush of them succeeds. So nothing is tried again on that connection. It is closed; the next call opens
 * another, begins the WAL anew before it writes behind what may be missing, and looks whether the failed transaction is
 * there after all: what was told as not accepted is then taken out again.
 */
export class OwnedFile {
  readonly tally = new Tally();
  readonly #path: string;
  readonly #owner: SpoolOwner;
  readonly #now: () => number;
  #file: FileIdentity;
  #connection: SpoolConnection | undefined;
  #dataVersion: unknown;
  /** As it was when the tally was right; undefined if that is not known. */
  #state: SpoolState | undefined;
  /** Ids that a transaction gave out whose commit failed. */
  #doubtful: { readonly first: number; readonly last: number } | undefined;
  /** The structure of the file is to be checked before it is used. */
  #suspect = true;
  #operatorChanged = false;
  #closed = false;

  /** @throws IndelibleError `spool_unavailable`, `spool_damaged`, `schema_too_new` */
  constructor(path: string, owner: SpoolOwner, now: () => number) {
    this.#path = path;
    this.#owner = owner;
    this.#now = now;
    this.#file = new FileIdentity(path);
    this.#guarded('cannot open the spool', () => {});
    // A new file was empty until now.
    this.#file = new FileIdentity(path);
    this.#operatorChanged = false;
  }

  /** The last id given out. */
  get lastId(): number {
    return this.#state?.lastId ?? 0;
  }

  /** Runs `action` in a transaction; what it wrote is on disk when this returns. */
  write<T>(what: string, action: (connection: SpoolConnection) => Written<T>): T {
    return this.#guarded(what, (connection) => {
      this.#owner.check();
      this.#file.check();
      let next: SpoolState | undefined;
      let written: Written<T>;
      try {
        written = connection.inTransaction(() => {
          this.#followOperator(connection);
          const state = this.#state as SpoolState;
          const written = action(connection);
          next = { ...state, lastId: written.lastId ?? state.lastId, ownerWrites: state.ownerWrites + 1 };
          connection.saveState(next);
          return written;
        });
      } catch (error) {
        const before = this.lastId;
        if (next !== undefined && next.lastId > before) this.#doubtful = { first: before + 1, last: next.lastId };
        throw error;
      }
      this.#state = next;
      if (written.recount) this.#recount(connection);
      return written.result;
    });
  }

  read<T>(action: (connection: SpoolConnection) => T): T {
    return this.#guarded('cannot read the spool', action);
  }

  /** Counts anew, after writes that did not keep the tally. */
  recount(): void {
    this.read((connection) => this.#recount(connection));
  }

  /** Whether the command line changed something since the last call. */
  operatorChanged(): boolean {
    this.read((connection) => this.#followOperator(connection));
    const changed = this.#operatorChanged;
    this.#operatorChanged = false;
    return changed;
  }

  /** Makes the files small again, for when nothing waits. If that fails, nothing is lost by it. */
  tidy(): void {
    try {
      this.#guarded('cannot tidy the spool', (connection) => {
        connection.shrink(manyFreePages);
        connection.emptyWal();
      });
    } catch {}
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#distrust();
    this.#owner.release();
  }

  #guarded<T>(what: string, action: (connection: SpoolConnection) => T): T {
    if (this.#closed) throw new IndelibleError('service_closed', { message: 'the spool was closed' });
    try {
      this.#connection ??= this.#connect();
      return action(this.#connection);
    } catch (error) {
      const isDamaged = isCorrupt(error) || IndelibleError.is(error, 'spool_damaged');
      this.#suspect ||= isDamaged;
      if (isDamaged || (!isBusy(error) && !IndelibleError.is(error))) this.#distrust();
      throw spoolFailure(`${what} ${this.#path}`, error);
    }
  }

  #connect(): SpoolConnection {
    this.#file.check();
    try {
      return this.#open();
    } catch (error) {
      if (!isCorrupt(error) && !IndelibleError.is(error, 'spool_damaged')) throw error;
      rebuild(this.#path, this.#now());
      this.#file = new FileIdentity(this.#path);
      this.#state = undefined;
      return this.#open();
    }
  }

  #open(): SpoolConnection {
    const connection = new SpoolConnection(this.#path);
    try {
      if (!connection.emptyWal()) {
        throw new IndelibleError('spool_unavailable', { message: `another process is reading ${this.#path}` });
      }
      const damage = this.#suspect ? connection.damage() : undefined;
      if (damage !== undefined) throw new IndelibleError('spool_damaged', { message: damage });
      this.#suspect = false;
      this.#dataVersion = connection.dataVersion();
      this.#settle(connection);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Finds out what a new connection sees that this object does not know, and what a failed commit left. */
  #settle(connection: SpoolConnection): void {
    const known = this.#state;
    const found = connection.loadState();
    const doubtful = this.#doubtful;
    if (known !== undefined && doubtful !== undefined && found.ownerWrites !== known.ownerWrites) {
      // The commit that was told as failed is there. Only the owner counts as it does, so these ids are its own.
      connection.inTransaction(() => {
        connection.removeRange.run(doubtful.first, doubtful.last);
        connection.removeAsideRange.run(doubtful.first, doubtful.last);
        connection.saveState({ ...found, ownerWrites: found.ownerWrites + 1 });
      });
    }
    this.#doubtful = undefined;
    this.#operatorChanged ||= known?.operatorWrites !== found.operatorWrites;
    if (known?.ownerWrites === found.ownerWrites && known.operatorWrites === found.operatorWrites) return;
    this.#recount(connection);
  }

  #followOperator(connection: SpoolConnection): void {
    const version = connection.dataVersion();
    if (version === this.#dataVersion) return;
    if (connection.loadState().operatorWrites !== this.#state?.operatorWrites) {
      this.#operatorChanged = true;
      this.#recount(connection);
    }
    this.#dataVersion = version;
  }

  #recount(connection: SpoolConnection): void {
    this.#state = undefined;
    this.tally.recount(connection);
    this.#state = connection.loadState();
  }

  #distrust(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      connection?.close();
    } catch {}
  }
}
