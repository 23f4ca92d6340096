import type { Logger } from 'pino';

/** After this the process ends, whatever still runs, in ms. What was acknowledged is stored by then, as always. */
const stopWithinMs = 9_500;

/** From now on the process has so long to end in good order; cancelled by `clearTimeout`. */
export function endLate(logger: Pick<Logger, 'error'>): NodeJS.Timeout {
  return setTimeout(() => {
    logger.error('not stopped in time: what is still going on is cut off');
    process.exit(1);
  }, stopWithinMs);
}
