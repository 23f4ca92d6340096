/** A message as far as the oracle looks at it. */
export interface SeenMessage {
  readonly sequence: number;
  readonly version: number;
  /** What it says: must be what the log says. */
  readonly text: string;
}

/**
 * What a watcher of a plan holds, as the protocol tells it to: the oracle of what it may be told. It is told of a message
 * only right behind what it has, or of one that it has with a higher version; after a break it goes on from the place
 * that it was given last.
 */
export class PlanView {
  readonly violations: string[] = [];
  readonly #messages = new Map<number, SeenMessage>();
  #sequence = 0;
  #resets = 0;
  /** Since the last break: what comes again because its place was not given yet is no repeat. */
  #again = 0;

  get sequence(): number {
    return this.#sequence;
  }

  get resets(): number {
    return this.#resets;
  }

  message({ sequence, version, text }: SeenMessage): void {
    const known = this.#messages.get(sequence);
    if (sequence === this.#sequence + 1) this.#sequence = sequence;
    else if (sequence > this.#sequence) this.violations.push(`gap: ${sequence} came behind ${this.#sequence}`);
    else if (known === undefined) this.violations.push(`${sequence} came and was never there`);
    else if (version < known.version) this.violations.push(`${sequence} went back to version ${version}`);
    else if (version === known.version && sequence > this.#again) this.violations.push(`${sequence} came twice`);
    this.#messages.set(sequence, { sequence, version, text });
  }

  gap(from: number, to: number): void {
    if (from !== this.#sequence + 1) this.violations.push(`a gap from ${from} was told behind ${this.#sequence}`);
    this.#sequence = to;
  }

  reset(): void {
    this.#resets++;
    this.#messages.clear();
    this.#sequence = 0;
    this.#again = 0;
  }

  /** The watcher comes back and names the place where it had the log up to `sequence`. */
  cameBack(sequence: number): void {
    this.#again = this.#sequence;
    this.#sequence = sequence;
  }

  /** Compares what it holds in the end with the log. Trimmed messages may be there. */
  compare(log: readonly SeenMessage[]): readonly string[] {
    const missing = log.filter(({ sequence }) => !this.#messages.has(sequence)).map(({ sequence }) => sequence);
    const stale = log.filter(({ sequence, version, text }) => {
      const seen = this.#messages.get(sequence);
      return seen !== undefined && (seen.version !== version || seen.text !== text);
    });
    return [
      ...this.violations,
      ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...stale.map(({ sequence, version }) => `${sequence} is not what the log says, version ${version}`),
    ];
  }
}
