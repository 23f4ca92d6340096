import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { v4 as uuidV4 } from 'uuid';
import { newMessageId } from '../src/protocol/messageId.ts';
import { percentile } from './figures.ts';
import type { Layout } from './layout.ts';
import { messageBytes } from './workload.ts';

/** What is in the file before anything is measured, and which plans are written then. */
export interface Filling {
  readonly name: string;
  readonly rows: number;
  /** A plan that has this many messages is finished; another one takes its place among the {@link openPlans}. */
  readonly messagesPerPlan: number;
}

/** Time-ordered UUIDs, kept as 16 bytes; or ids that somebody else gave, in no order, kept as text. */
export type IdKind = 'uuid v7' | 'random text';

const openPlans = 100;
const body = (n: number) =>
  `{"content":"${'x'.repeat(messageBytes - 60)}","metadata":{"step":${n}}}`.padEnd(messageBytes);

interface OpenPlan {
  plan: number;
  sequence: number;
}

/** How the file itself is set up. */
export interface FileSettings {
  /** In bytes. */
  readonly pageSize: number;
  /** How many pages the write-ahead log holds before they go into the file. */
  readonly checkpointPages: number;
}

/** A database file in a layout, filled, closed between measurements. */
export class LayoutFile {
  readonly #path: string;
  readonly #layout: Layout;
  readonly #settings: FileSettings;
  readonly #filling: Filling;
  readonly #idKind: IdKind;
  readonly #open: OpenPlan[];
  #plans = openPlans;
  #made = 0;
  #insert!: StatementSync;
  #head!: StatementSync;

  constructor(path: string, layout: Layout, settings: FileSettings, filling: Filling, idKind: IdKind) {
    this.#path = path;
    this.#layout = layout;
    this.#settings = settings;
    this.#filling = filling;
    this.#idKind = idKind;
    this.#open = Array.from({ length: openPlans }, (_, plan) => ({ plan: plan + 1, sequence: 0 }));
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = ${settings.pageSize}; PRAGMA journal_mode = WAL;
      CREATE TABLE heads (plan INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT; ${layout.tables}`);
    db.close();
    this.#opened('OFF', (filled) => {
      while (this.#made < filling.rows) this.#commit(filled, 1_000);
    });
  }

  /** Groups of 64 for so long, each on disk before the next. */
  measureWrites(seconds: number): { perSecond: number; p99Ms: number; maxMs: number } {
    return this.#opened('FULL', (db) => {
      for (let warm = 0; warm < 20; warm++) this.#commit(db, 64);
      const commits: number[] = [];
      const start = performance.now();
      for (let now = start; now - start < seconds * 1000; ) {
        this.#commit(db, 64);
        const end = performance.now();
        commits.push(end - now);
        now = end;
      }
      return {
        perSecond: ((commits.length * 64) / (performance.now() - start)) * 1000,
        p99Ms: percentile(commits, 0.99),
        maxMs: percentile(commits, 1),
      };
    });
  }

  /** What groups of 64 write to the log, in KB a message: the same on any machine, whatever else it does. */
  measureLogSize(): number {
    return this.#opened('OFF', (db) => {
      db.exec('PRAGMA wal_autocheckpoint = 0');
      for (let group = 0; group < 50; group++) this.#commit(db, 64);
      return statSync(`${this.#path}-wal`).size / (50 * 64) / 1000;
    });
  }

  /** Ms for 10,000 messages read by their plans, page by page, from SQLite's cache or the system's. */
  measureReads(): number {
    return this.#opened('FULL', (db) => {
      const statement = db.prepare(this.#layout.read);
      const plans = Math.max(1, 10_000 / this.#filling.messagesPerPlan);
      const start = performance.now();
      for (let plan = 1; plan <= plans; plan++) {
        for (let after = 0, count = 1_000; count === 1_000 && after < 10_000; after += count) {
          count = statement.all(this.#planKey(plan), after, 1_000).length;
        }
      }
      return performance.now() - start;
    });
  }

  get megabytes(): number {
    return statSync(this.#path).size / 1e6;
  }

  #opened<T>(synchronous: 'FULL' | 'OFF', action: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.#path, { enableForeignKeyConstraints: false });
    db.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -65536;
      PRAGMA wal_autocheckpoint = ${this.#settings.checkpointPages}`);
    this.#insert = db.prepare(this.#layout.insert);
    this.#head = db.prepare(
      'INSERT INTO heads (plan, sequence) VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
    );
    const result = action(db);
    db.close();
    return result;
  }

  #commit(db: DatabaseSync, group: number): void {
    const touched = new Map<number, number>();
    db.exec('BEGIN IMMEDIATE');
    for (let count = 0; count < group; count++) {
      const place = this.#open[this.#made % openPlans] as OpenPlan;
      if (place.sequence === this.#filling.messagesPerPlan) {
        place.plan = ++this.#plans;
        place.sequence = 0;
      }
      place.sequence++;
      this.#insert.run(this.#planKey(place.plan), place.sequence, this.#id(), body(++this.#made));
      touched.set(place.plan, place.sequence);
    }
    for (const [plan, sequence] of touched) this.#head.run(plan, sequence);
    db.exec('COMMIT');
  }

  #id(): Uint8Array | string {
    return this.#layout.key(this.#idKind === 'uuid v7' ? newMessageId() : `chatcmpl-${uuidV4()}`);
  }

  #planKey(plan: number): number | string {
    return this.#layout.textPlan === true ? `0192f0c0-0000-7000-8000-${String(plan).padStart(12, '0')}` : plan;
  }
}
