/**
 * Aborted by the first SIGINT or SIGTERM, so that the command can end in good order. A second one ends the process at
 * once: whoever asks twice does not want to wait. Nothing acknowledged is lost by it.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const asked = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stop.abort(signal);
  };
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  return stop.signal;
}

/** Resolves when the signal is aborted, or was. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
