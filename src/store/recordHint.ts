/**
 * That a record beside the log may have changed. Only ever a hint to look, like those of commits: it may come late,
 * twice, for nothing or not at all, anybody who can reach the channel may send one, and it carries no content.
 */
export type RecordHint =
  | { readonly kind: 'draft'; readonly planId: string }
  | { readonly kind: 'read'; readonly planId: string; readonly userId: string };

/** `unknown`: some hints may have been missed. */
export type RecordListener = (hints: readonly RecordHint[] | 'unknown') => void;

/**
 * A hint as a line, among those of commits: `draft <plan id>`, `read <[plan id, user id] as JSON>`. Whoever knows
 * only commits passes it over, since it begins with no number.
 */
export function encodeRecordHint(hint: RecordHint): string {
  return hint.kind === 'draft' ? `draft ${hint.planId}` : `read ${JSON.stringify([hint.planId, hint.userId])}`;
}

const draftLine = /^draft (.{1,1024})$/u;
const readLine = /^read (\[.{1,8000}\])$/u;

export function decodeRecordHints(text: string): readonly RecordHint[] {
  return text.split('\n').flatMap((line): RecordHint[] => {
    const planId = draftLine.exec(line)?.[1];
    if (planId !== undefined) return [{ kind: 'draft', planId }];
    const read = readLine.exec(line)?.[1];
    return read === undefined ? [] : readHint(read);
  });
}

function readHint(json: string): RecordHint[] {
  try {
    const [planId, userId] = JSON.parse(json) as unknown[];
    return typeof planId === 'string' && typeof userId === 'string' ? [{ kind: 'read', planId, userId }] : [];
  } catch {
    return [];
  }
}

/** In bytes, under the 8,000 that PostgreSQL allows a notification. */
const maxHintSize = 6_000;

/** Lines of hints, joined into texts that a notification can hold. One that alone is too long is left out. */
export function joinHints(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const own = Buffer.byteLength(line) + 1;
    if (own > maxHintSize) continue;
    size += own;
    if (size > maxHintSize) {
      texts.push(line);
      size = own;
    } else texts.push(`${texts.pop()}\n${line}`);
  }
  return texts;
}
