import type { Draft } from '../protocol/draft.ts';
import type { NewMessage, PreparedMessage, StoredMessage } from '../protocol/message.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import type { MessageLog } from '../store/messageLog.ts';

/** What a draft becomes whose writer died: its text so far, under the id that the whole would have had. */
export function interruptedMessage({ planId, draftId, agentName, text, updatedAt }: Draft): NewMessage {
  const metadata = { interrupted: true };
  return { planId, messageId: draftId, agentName, content: text, timestamp: updatedAt, metadata };
}

/**
 * What becomes of a message whose id was taken by `found`. If that is what others made of this answer's draft, because its
 * writer was silent for so long that it was thought dead, the whole answer takes the place of the part: as an update, which
 * is answered. Undefined: it is a conflict like any other.
 *
 * @throws IndelibleError `store_unavailable`, `store_refused`
 */
export async function finishInterrupted(
  log: Pick<MessageLog, 'update'>,
  message: PreparedMessage,
  found: StoredMessage,
): Promise<StoredMessage | undefined> {
  if (!isInterrupted(found) || isInterrupted(message)) return undefined;
  const outcome = await log.update(message, found.version);
  return outcome.status === 'updated' ? outcome.message : undefined;
}

/** Whether it is the text of an abandoned draft, and nothing more. */
function isInterrupted({ body }: PreparedMessage): boolean {
  const { metadata } = parseMessageBytes(body);
  return metadata['interrupted'] === true && Object.keys(metadata).length === 1;
}
