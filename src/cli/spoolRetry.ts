import { IndelibleError } from '../protocol/errors.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { type SpoolPlaceOptions, withChosen } from './spoolPlaces.ts';

export interface SpoolRetryOptions extends SpoolPlaceOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

/**
 * `indelible spool retry`: messages that were set aside wait again, at the end of the order; the service that owns the
 * spool, or the next one, hands them to the database. Damaged ones stay: what they would deliver is not what was said.
 */
export async function spoolRetry(
  messageIds: readonly string[],
  options: SpoolRetryOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  return await withChosen(messageIds, options, environment, (chosen) => {
    const damaged = chosen.flatMap(({ records }) => records.filter(({ intact }) => !intact));
    if (damaged.length > 0 && !options.all) {
      const message = `the message ${damaged[0]?.messageId} is damaged; it can only be dropped`;
      throw new IndelibleError('spool_damaged', { message, field: 'messages' });
    }
    let retried = 0;
    for (const { desk, records } of chosen) {
      retried += desk.retry(records.filter(({ intact }) => intact).map(({ id }) => id));
    }
    if (options.json) output.json(JSON.stringify({ retried }));
    else output.line(`${messages(retried)} ${retried === 1 ? 'waits' : 'wait'} again.`);
    if (damaged.length > 0) {
      const stay = `${messages(damaged.length)} ${damaged.length === 1 ? 'stays' : 'stay'}`;
      output.note(`${stay} set aside: damaged, and can only be dropped.`);
    }
    return 0;
  });
}
