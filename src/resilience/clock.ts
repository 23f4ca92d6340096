/** Time and timers as a parameter, so that a test can schedule every race. */
export interface Clock {
  /** Milliseconds since 1970. May jump: data, never order. */
  now(): number;
  /** Milliseconds since some start. Never jumps back: for durations and deadlines. */
  monotonic(): number;
  /** Runs `action` after `delayMs`; the answer cancels it. Keeps no process alive. */
  schedule(delayMs: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    (timer as unknown as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer);
  },
};
