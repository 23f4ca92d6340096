/**
 * A batch on its way into the log, in the portions in which it is to be written: at first one. A portion that the database
 * refuses is cut in two, until the message that it refuses stands alone. What was found out so far is kept while the
 * database is away.
 */
export class Portions<T> {
  #todo: (readonly T[])[];

  constructor(batch: readonly T[]) {
    this.#todo = batch.length === 0 ? [] : [batch];
  }

  get next(): readonly T[] | undefined {
    return this.#todo[0];
  }

  /** What is not written yet, in order. */
  get items(): readonly T[] {
    return this.#todo.length === 1 ? (this.#todo[0] as readonly T[]) : this.#todo.flat();
  }

  /** The next portion is decided. */
  written(): void {
    this.#todo.shift();
  }

  /** Cuts the next portion in two. False if it is one item, which cannot be cut. */
  cut(): boolean {
    const [next, ...rest] = this.#todo;
    if (next === undefined || next.length === 1) return false;
    const middle = next.length >> 1;
    this.#todo = [next.slice(0, middle), next.slice(middle), ...rest];
    return true;
  }

  /** Lets go of items that are no longer to be written. */
  keep(isToBeWritten: (item: T) => boolean): void {
    this.#todo = this.#todo.map((portion) => portion.filter(isToBeWritten)).filter(({ length }) => length > 0);
  }
}
