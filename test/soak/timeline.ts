/** What a producer was told of one try to save. `unanswered`: nothing, the server was away or the answer never came. */
export type Answered = 'stored' | 'spooled' | 'pending' | 'refused' | 'unanswered';

const answers: readonly Answered[] = ['stored', 'spooled', 'pending', 'refused', 'unanswered'];

const perDoubling = 8;
const smallestMs = 0.1;

/** Counts of latencies, each known to about 9 %. */
class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(ms: number): void {
    const place = Math.max(0, Math.floor(Math.log2(Math.max(ms, smallestMs) / smallestMs) * perDoubling));
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    this.#total++;
  }

  addAll(other: Latencies): void {
    for (const [place, count] of other.#counts) this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
    this.#total += other.#total;
  }

  /** In ms; null if there were none. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null;
    let left = share * this.#total;
    let place = 0;
    for (const [next, count] of [...this.#counts].sort(([one], [other]) => one - other)) {
      place = next;
      left -= count;
      if (left <= 0) break;
    }
    return round(smallestMs * 2 ** ((place + 0.5) / perDoubling));
  }
}

function round(ms: number): number {
  return Number(ms.toPrecision(3));
}

interface Second {
  readonly counts: Record<Answered, number>;
  readonly latencies: Latencies;
}

/** Tries to save by the second in which they ended, with how long the acknowledged ones took. */
export class Timeline {
  readonly #startedAt: number;
  readonly #seconds: Second[] = [];

  /** `startedAt`: on the clock of `performance.now()`. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  add(answered: Answered, ms: number): void {
    const second = this.#secondAt(Math.floor((performance.now() - this.#startedAt) / 1_000));
    second.counts[answered]++;
    if (answered === 'stored' || answered === 'spooled') second.latencies.add(ms);
  }

  /** Of the acknowledged tries in the seconds that `matches` picks. */
  latencies(matches: (second: number) => boolean): Latencies {
    const all = new Latencies();
    for (const [index, { latencies }] of this.#seconds.entries()) if (matches(index)) all.addAll(latencies);
    return all;
  }

  /** One entry a second. */
  series(length: number) {
    const seconds = Array.from({ length }, (_, index) => this.#secondAt(index));
    const counts = Object.fromEntries(
      answers.map((answered) => [answered, seconds.map((second) => second.counts[answered])]),
    ) as Record<Answered, number[]>;
    const percentile = (share: number) => seconds.map(({ latencies }) => latencies.percentile(share));
    return { counts, p50: percentile(0.5), p99: percentile(0.99) };
  }

  #secondAt(index: number): Second {
    while (this.#seconds.length <= index) {
      this.#seconds.push({
        counts: { stored: 0, spooled: 0, pending: 0, refused: 0, unanswered: 0 },
        latencies: new Latencies(),
      });
    }
    return this.#seconds[index] as Second;
  }
}
