import type { Store } from '../../store/store.ts';

/** Opens a store. Called again within one test, it opens one more on the same database. */
export type OpenStore = () => Promise<Store>;

/** One sentence of the contract, as a test for any runner. */
export interface ContractTest {
  /** A sentence that states what holds. */
  readonly name: string;
  /** The part of the contract it belongs to: `durable`, `gapless`, … */
  readonly promise: string;
  /**
   * Rejects if the sentence does not hold. `open` must open an empty database of its own for each run; whatever was
   * opened is closed at the end.
   */
  run(open: OpenStore): Promise<void>;
}

export type ContractBody = (open: OpenStore) => Promise<void>;

/** Tests of one promise, by their names. */
export function contractTests(promise: string, bodies: Readonly<Record<string, ContractBody>>): ContractTest[] {
  return Object.entries(bodies).map(([name, body]) => ({ name, promise, run: (open) => closingAll(open, body) }));
}

async function closingAll(open: OpenStore, body: ContractBody): Promise<void> {
  const opened: Store[] = [];
  try {
    await body(async () => {
      const store = await open();
      opened.push(store);
      return store;
    });
  } finally {
    for (const store of opened) await store.close();
  }
}
