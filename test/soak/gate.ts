/** Agents pass it before each message. While it is closed they wait before it; who is inside comes to an end. */
export class Gate {
  #inside = 0;
  #opened: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;
  #emptied: (() => void) | undefined;

  /** Runs `action` inside. */
  async pass(action: () => Promise<void>): Promise<void> {
    while (this.#open !== undefined) await this.#opened;
    this.#inside++;
    try {
      await action();
    } finally {
      if (--this.#inside === 0) this.#emptied?.();
    }
  }

  /** Resolves when nobody is inside. */
  async close(): Promise<void> {
    if (this.#open === undefined) {
      this.#opened = new Promise((resolve) => {
        this.#open = resolve;
      });
    }
    if (this.#inside === 0) return;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
  }

  open(): void {
    this.#open?.();
    this.#open = undefined;
  }
}
