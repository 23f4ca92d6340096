import type { Clock } from '../resilience/clock.ts';

interface Flight<T> {
  begun: boolean;
  readonly answer: Promise<T>;
}

/** How long a question waits for the one before it, in ms. One that a dead connection holds up does not hold up the next. */
const patienceMs = 500;

/**
 * One fetch for all who ask the same thing at about the same time. Guaranteed to each: what it is answered was fetched
 * after it asked. Whoever asks while a fetch is under way therefore waits for the next one, and shares that.
 *
 * What would break it: joining a fetch that has begun. A commit between its beginning and the question would be missing,
 * and the hint that told of it is spent.
 */
export class Flights<T> {
  readonly #clock: Clock;
  /** The last one of each question. */
  readonly #flights = new Map<string, Flight<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ask(question: string, fetch: () => Promise<T>): Promise<T> {
    const last = this.#flights.get(question);
    if (last !== undefined && !last.begun) return last.answer;
    const before = last === undefined ? Promise.resolve() : this.#over(last);
    const flight: Flight<T> = {
      begun: false,
      answer: before.then(() => {
        flight.begun = true;
        return fetch();
      }),
    };
    this.#flights.set(question, flight);
    const forget = () => {
      if (this.#flights.get(question) === flight) this.#flights.delete(question);
    };
    flight.answer.then(forget, forget);
    return flight.answer;
  }

  #over({ answer }: Flight<T>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(patienceMs, resolve, 'background');
      const over = () => {
        cancel();
        resolve();
      };
      answer.then(over, over);
    });
  }
}
