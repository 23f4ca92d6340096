import type { Logger } from 'pino';

/**
 * Watches over errors that nobody caught: those of the code of teams, which runs in this process. Each is one line of
 * the log. A promise that was rejected harms nobody else, so all goes on; after an exception that broke through to the
 * top nobody knows what is half done, so the answer is aborted, and the command is to end in good order and to fail.
 */
export function strayErrors(logger: Pick<Logger, 'error'>): AbortSignal {
  const broken = new AbortController();
  process.on('unhandledRejection', (error) => {
    logger.error({ type: 'unhandled_rejection', error }, 'a promise was rejected and nobody handled it: going on');
  });
  process.on('uncaughtException', (error) => {
    logger.error({ type: 'uncaught_exception', error }, 'an exception was thrown and nobody caught it: stopping');
    if (!broken.signal.aborted) broken.abort('uncaught exception');
  });
  return broken.signal;
}
