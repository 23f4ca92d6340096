const intervalMs = 20;

/** How long this process did nothing, for want of a processor, since it was made: promises of time are not about that. */
export class Stalls {
  #lostMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lostMs += Math.max(0, now - last - 2 * intervalMs);
      last = now;
    }, intervalMs);
  }

  get lostMs(): number {
    return this.#lostMs;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
