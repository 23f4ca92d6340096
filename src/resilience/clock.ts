/** Time and timers as a parameter, so that a test can schedule every race. */
export interface Clock {
  /** Milliseconds since 1970. May jump: data, never order. */
  now(): number;
  /** Milliseconds since some start. Never jumps back: for durations and deadlines. */
  monotonic(): number;
  /**
   * Runs `action` after `delayMs`; the answer cancels it. Until then it keeps the process alive, so that whoever waits
   * for it is not cut off in the middle; `background` does not: for what nobody waits for.
   */
  schedule(delayMs: number, action: () => void, kind?: 'background'): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, action, kind) {
    const timer = setTimeout(action, delayMs);
    if (kind === 'background') (timer as unknown as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer);
  },
};
