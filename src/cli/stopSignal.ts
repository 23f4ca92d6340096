/** Sooner than this, a second Ctrl-C is the first one told twice: npm passes on what the terminal has sent already. */
const sameCtrlCMs = 1_000;

/**
 * Aborted by the first SIGINT or SIGTERM, so that the command can end in good order. Another Ctrl-C ends the process at
 * once: whoever asks twice does not want to wait. Nothing that was acknowledged is lost by it.
 *
 * There is one for the process, from the first call on. Imports nothing: it must be there before all that takes time.
 */
export function stopSignal(): AbortSignal {
  theOne ??= listen();
  return theOne;
}

let theOne: AbortSignal | undefined;

function listen(): AbortSignal {
  const stop = new AbortController();
  let askedAt = 0;
  const asked = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (!stop.signal.aborted) {
      askedAt = now;
      stop.abort(signal);
    } else if (signal === 'SIGINT' && now - askedAt > sameCtrlCMs) {
      process.exit(130);
    }
  };
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  return stop.signal;
}

/** What `work` answers; undefined if the signal is aborted first. What was begun then goes on, and nobody waits for it. */
export async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  // A signal that came while this thread was busy is told when the event loop turns.
  await new Promise((turned) => setImmediate(turned));
  if (signal.aborted) return undefined;
  return await Promise.race([work(), aborted(signal).then(() => undefined)]);
}

/** Resolves when the signal is aborted, or was. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
