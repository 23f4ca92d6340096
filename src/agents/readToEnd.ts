interface Hearer<T> {
  /** Waited for before the part is passed on. */
  readonly part?: (part: T) => Promise<void>;
  /** Waited for before the end, or the error, is. */
  readonly end?: (error?: { readonly error: unknown }) => Promise<void>;
}

/**
 * A stream of what `source` gives, which is read to its end at its own pace, whether the stream is read, read slowly, or
 * cancelled: who reads an answer has no say in whether it is written. What waits for a slow reader is held in memory.
 */
export function readToEnd<T>(source: AsyncIterable<T>, hearer: Hearer<T> = {}): ReadableStream<T> {
  let isRead = true;
  return new ReadableStream<T>({
    start(controller) {
      void pump(controller);
    },
    cancel() {
      isRead = false;
    },
  });

  async function pump(controller: ReadableStreamDefaultController<T>): Promise<void> {
    try {
      for await (const part of source) {
        await hearer.part?.(part);
        if (isRead) controller.enqueue(part);
      }
      await hearer.end?.();
      if (isRead) controller.close();
    } catch (error) {
      await hearer.end?.({ error });
      if (isRead) controller.error(error);
    }
  }
}
