import type { PlanCommit } from './messageLog.ts';

/**
 * A hint as text: a line a plan, `<sequence> <revision> <plan id>`. Anybody who can reach the channel may send one, so
 * what cannot be read is passed over.
 */
export function encodeHint(commits: readonly PlanCommit[]): string {
  return commits.map(({ planId, head }) => `${head.sequence} ${head.revision} ${planId}`).join('\n');
}

const line = /^(\d{1,16}) (\d{1,16}) (.{1,1024})$/su;

export function decodeHint(text: string): readonly PlanCommit[] {
  return text.split('\n').flatMap((one) => {
    const [, sequence, revision, planId] = line.exec(one) ?? [];
    if (planId === undefined) return [];
    return [{ planId, head: { sequence: Number(sequence), revision: Number(revision) }, messages: [], updates: [] }];
  });
}
