import { IndelibleError } from '../protocol/errors.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import type { MessageLog } from '../store/messageLog.ts';
import type { SaveResult } from './saveResult.ts';

/**
 * What becomes of a save whose id was taken. If it was taken by what others made of this answer's draft, because its
 * writer was silent for so long that it was thought dead, the whole answer takes the place of the part: as an update.
 * Any other save is told what it was told.
 */
export async function finishInterrupted(
  log: Pick<MessageLog, 'find' | 'update'>,
  result: SaveResult,
): Promise<SaveResult> {
  if (result.status !== 'refused' || result.error.code !== 'message_conflict' || result.message === undefined) {
    return result;
  }
  const { message, retries } = result;
  try {
    const found = await log.find(message.planId, message.messageId);
    if (found === undefined || !isInterrupted(found)) return result;
    const outcome = await log.update(message, found.version);
    if (outcome.status !== 'updated') return result;
    return { status: 'stored', message: outcome.message, duplicate: false, retries };
  } catch (cause) {
    // To be saved again: then it is found as it is.
    const error = IndelibleError.is(cause) ? cause : new IndelibleError('store_unavailable', { cause });
    return { status: 'refused', message, retries, error };
  }
}

/** Whether it is the text of an abandoned draft, and nothing more. */
function isInterrupted({ body }: StoredMessage): boolean {
  const { metadata } = parseMessageBytes(body);
  return metadata['interrupted'] === true && Object.keys(metadata).length === 1;
}
