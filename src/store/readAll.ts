import type { StoredMessage } from '../protocol/message.ts';
import { type LogPosition, logStart, type MessageLog } from './messageLog.ts';

const pageSize = 1_000;

/** The messages of a plan behind `after`, in order, page by page, up to where the log ends when the last page is read. */
export async function* readAll(
  log: Pick<MessageLog, 'read'>,
  planId: string,
  after: LogPosition = logStart,
): AsyncGenerator<StoredMessage, void, undefined> {
  // Updates are of no interest: each message is read with its content as of now.
  let position = { sequence: after.sequence, revision: Number.MAX_SAFE_INTEGER };
  for (;;) {
    const page = await log.read(planId, position, pageSize);
    yield* page.messages;
    if (!page.more) return;
    position = { ...position, sequence: page.position.sequence };
  }
}
