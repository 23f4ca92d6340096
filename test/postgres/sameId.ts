import type { AppendOutcome, MessageLog } from '../../src/store/messageLog.ts';
import { whenAvailable } from '../../src/testing/contract/availability.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';

/**
 * In each round 100 calls at once append the same id, through any of the logs; a few of them with other content, some in
 * a batch with messages of other plans. Answers what was wrong.
 */
export async function saveSameId(logs: readonly MessageLog[], rounds: number, seed: number): Promise<string[]> {
  const random = new SeededRandom(seed);
  const found: string[] = [];
  for (const round of oneTo(rounds)) {
    const id = `round-${round}`;
    const said = await Promise.all(
      oneTo(100).map(async (call) => {
        const log = random.pick(logs);
        const content = random.below(5) === 0 ? `other ${random.below(3)}` : 'same';
        const others = oneTo(random.below(3)).map((number) =>
          sample(`${id}.${call}.${number}`, { planId: random.pick(['a', 'b', 'c']) }),
        );
        const batch = [...others.slice(1), sample(id, { content }), ...others.slice(0, 1)];
        const outcomes = await whenAvailable(() => log.append(batch));
        return { content, outcome: outcomes[others.slice(1).length] as AppendOutcome };
      }),
    );
    found.push(...violations(said).map((violation) => `${id}: ${violation}`));
  }
  return found;
}

interface Said {
  readonly content: string;
  readonly outcome: AppendOutcome;
}

function violations(said: readonly Said[]): string[] {
  const winners = said.filter(({ outcome }) => outcome.status === 'stored');
  const [winner] = winners;
  if (winner === undefined || winners.length > 1) return [`${winners.length} calls were told that they stored it`];
  const { message: first } = winner.outcome;
  return said.flatMap(({ content, outcome }) => {
    if (content === winner.content && outcome.status === 'conflict') return ['the same content is a conflict'];
    if (content !== winner.content && outcome.status !== 'conflict') return ['other content is no conflict'];
    const { sequence, body } = outcome.message;
    if (sequence === first.sequence && body === first.body) return [];
    return [`a call was shown sequence ${sequence}, the first has ${first.sequence}`];
  });
}
