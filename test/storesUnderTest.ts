import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgresStore } from '../src/store/postgres/index.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import type { Store } from '../src/store/store.ts';
import { testPostgres } from './postgres.ts';

/** A kind of database that everything must hold on. */
export interface StoreUnderTest {
  readonly name: string;
  /** Makes an empty database, a real one on disk. */
  create(): Promise<Database>;
}

export interface Database {
  /** For another process: what `openStore` takes. */
  readonly address: string;
  /** Another connection each time: what one has committed, and nothing else, is what the others see. */
  open(): Promise<Store>;
  /** Closes all connections and takes the database away. */
  drop(): Promise<void>;
}

const sqlite: StoreUnderTest = {
  name: 'sqlite',
  async create() {
    const folder = mkdtempSync(join(tmpdir(), 'indelible-test-'));
    const path = join(folder, `${randomUUID()}.db`);
    return database(
      `sqlite:${path}`,
      async () => openSqliteStore(path),
      async () => rmSync(folder, { recursive: true, force: true }),
    );
  },
};

const postgres: StoreUnderTest = {
  name: 'postgres',
  async create() {
    const { url, drop } = await testPostgres();
    return database(url, () => openPostgresStore(url), drop);
  },
};

/** `describe.each(storesUnderTest)('on $name', (store) => …)`. */
export const storesUnderTest: readonly StoreUnderTest[] = [sqlite, postgres];

function database(address: string, openStore: () => Promise<Store>, remove: () => Promise<void>): Database {
  const opened: Store[] = [];
  return {
    address,
    async open() {
      const store = await openStore();
      opened.push(store);
      return store;
    },
    async drop() {
      await Promise.all(opened.map((store) => store.close()));
      await remove();
    },
  };
}
