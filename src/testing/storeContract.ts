import type { ContractTest } from './contract/contractTest.ts';
import { draftRecords } from './contract/drafts.ts';
import { durable } from './contract/durable.ts';
import { gapless, inOrder } from './contract/gapless.ts';
import { hints } from './contract/hints.ts';
import { once } from './contract/once.ts';
import { oneWinner } from './contract/oneWinner.ts';
import { planRecords } from './contract/plans.ts';
import { reading } from './contract/reading.ts';
import { readingAsText } from './contract/readingAsText.ts';
import { readPositions } from './contract/readPositions.ts';
import { runOwners } from './contract/runOwners.ts';
import { runRecords } from './contract/runs.ts';
import { sameBytes } from './contract/sameBytes.ts';
import { trimming } from './contract/trimming.ts';

/**
 * The contract of a store, sentence by sentence, for any test runner. A store is done when all of it passes:
 *
 *     for (const test of storeContract()) {
 *       it(`${test.promise}: ${test.name}`, () => {
 *         const path = newTemporaryFile();
 *         return test.run(async () => openSqliteStore(path));
 *       });
 *     }
 *
 * Every run needs an empty database of its own; within a run, opening again opens the same one once more, so that
 * several instances write to it at once. The largest test stores 33,000 messages: allow it half a minute.
 */
export function storeContract(): readonly ContractTest[] {
  return [
    ...durable,
    ...gapless,
    ...inOrder,
    ...once,
    ...oneWinner,
    ...sameBytes,
    ...reading,
    ...readingAsText,
    ...hints,
    ...planRecords,
    ...runRecords,
    ...runOwners,
    ...trimming,
    ...draftRecords,
    ...readPositions,
  ];
}
