import type { IndelibleError, PreparedMessage } from 'indelible/protocol';
import { IndelibleError as PackageError } from 'indelible/protocol';
import type { Spool, SpooledRecord } from '../../src/persistence/spool/spool.ts';

interface Kept extends SpooledRecord {
  error?: IndelibleError;
}

/** What a disk holds: outlives the spools that have it open. */
export class MemoryDisk {
  records: Kept[] = [];
  lastId = 0;
  /** Every write fails while this is set. */
  broken = false;
}

/** The contract of a spool, kept in memory: for schedules that no file could go through as often. */
export class MemorySpool implements Spool {
  readonly disk: MemoryDisk;
  readonly #maxSize: number;
  readonly #now: () => number;
  #closed = false;

  constructor(disk: MemoryDisk = new MemoryDisk(), options: { maxSize?: number; now?: () => number } = {}) {
    this.disk = disk;
    this.#maxSize = options.maxSize ?? Number.POSITIVE_INFINITY;
    this.#now = options.now ?? (() => 0);
  }

  append(messages: readonly PreparedMessage[]): readonly number[] {
    this.#check();
    const ids: number[] = [];
    for (const message of messages) {
      if (this.size + message.body.length > this.#maxSize) break;
      const id = ++this.disk.lastId;
      this.disk.records.push({ id, message, acceptedAt: this.#now() });
      ids.push(id);
    }
    return ids;
  }

  read(limit: number, maxSize: number, afterId = 0): readonly SpooledRecord[] {
    this.#check();
    const records = this.#waiting().filter(({ id }) => id > afterId);
    let size = 0;
    const end = records.findIndex(({ message }, index) => {
      size += message.body.length;
      return index === limit || (size > maxSize && index > 0);
    });
    return end === -1 ? records : records.slice(0, end);
  }

  remove(ids: readonly number[]): readonly number[] {
    this.#check();
    const known = new Set(this.#waiting().map(({ id }) => id));
    const gone = ids.filter((id) => known.delete(id));
    const removed = new Set(gone);
    this.disk.records = this.disk.records.filter(({ id }) => !removed.has(id));
    return gone;
  }

  setAside(id: number, error: IndelibleError): void {
    this.#check();
    const record = this.disk.records.find((one) => one.id === id);
    if (record !== undefined) record.error = error;
  }

  keepAside(message: PreparedMessage, error: IndelibleError): void {
    this.#check();
    this.disk.records.push({ id: ++this.disk.lastId, message, acceptedAt: this.#now(), error });
  }

  waiting(planId: string): number {
    return this.#waiting().filter(({ message }) => message.planId === planId).length;
  }

  get depth(): number {
    return this.#waiting().length;
  }

  get size(): number {
    return this.disk.records.reduce((sum, { message }) => sum + message.body.length, 0);
  }

  get setAsideCount(): number {
    return this.disk.records.length - this.depth;
  }

  get oldestAcceptedAt(): number | undefined {
    return this.#waiting()[0]?.acceptedAt;
  }

  refresh(): boolean {
    return false;
  }

  close(): void {
    this.#closed = true;
  }

  #waiting(): Kept[] {
    return this.disk.records.filter(({ error }) => error === undefined);
  }

  #check(): void {
    if (this.#closed || this.disk.broken) throw new PackageError('spool_unavailable');
  }
}
