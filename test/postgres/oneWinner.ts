import type { MessageLog, UpdateOutcome } from '../../src/store/messageLog.ts';
import { updateWhenAvailable } from '../../src/testing/contract/availability.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';

/** What this needs of a log, so that another one can be held against it. */
export type UpdatedLog = Pick<MessageLog, 'append' | 'update' | 'find'>;

/** In each round, 50 update the same version of a message through any of the logs. Answers what was wrong. */
export async function raceUpdates(logs: readonly UpdatedLog[], rounds: number): Promise<string[]> {
  const [log] = logs as [UpdatedLog];
  await log.append([sample('m')]);
  const found: string[] = [];
  for (const version of oneTo(rounds)) {
    const outcomes = await Promise.all(
      oneTo(50).map((updater) => {
        const message = sample('m', { content: `updater ${updater} of version ${version}` });
        return updateWhenAvailable(logs[updater % logs.length] as MessageLog, message, version);
      }),
    );
    const now = await log.find('plan', 'm');
    found.push(...violations(outcomes, now?.body, version).map((violation) => `version ${version}: ${violation}`));
    if (found.length > 0) return found;
  }
  return found;
}

function violations(outcomes: readonly UpdateOutcome[], body: string | undefined, version: number): string[] {
  const winners = outcomes.filter(({ status }) => status === 'updated');
  if (winners.length !== 1) return [`${winners.length} of ${outcomes.length} were told that they won`];
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'not_found') return ['the message was not found'];
    const { message } = outcome;
    const told = `${outcome.status}, version ${message.version}, revision ${message.revision}`;
    if (message.version !== version + 1 || message.revision !== version) return [`told ${told}`];
    return message.body === body ? [] : [`told another body than the one that is stored`];
  });
}
