import { confirmed } from './confirmation.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { type SpoolPlaceOptions, withChosen } from './spoolPlaces.ts';

export interface SpoolDropOptions extends SpoolPlaceOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `indelible spool drop`: messages that were set aside are forgotten. It asks before, unless `--yes` says that it need not. */
export async function spoolDrop(
  messageIds: readonly string[],
  options: SpoolDropOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  return await withChosen(messageIds, options, environment, async (chosen) => {
    const count = chosen.reduce((sum, { records }) => sum + records.length, 0);
    const isSure = options.yes || count === 0 || (await confirmed(`Drop ${messages(count)} for ever?`, output));
    if (!isSure) {
      output.note('Nothing was dropped.');
      return 1;
    }
    let dropped = 0;
    for (const { desk, records } of chosen) dropped += desk.drop(records.map(({ id }) => id));
    if (options.json) output.json(JSON.stringify({ dropped }));
    else output.line(`${messages(dropped)} dropped.`);
    return 0;
  });
}
