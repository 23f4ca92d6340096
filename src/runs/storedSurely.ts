import type { Indelible } from '../agents/indelible.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import type { NewMessage, PreparedMessage } from '../protocol/message.ts';
import { sameContent } from '../protocol/messageBytes.ts';
import { isPassing, patientBackoff, pause } from './insist.ts';

/**
 * Resolves when the message is in the database. While that is away it waits, until `stop` is aborted. Rejects if it never
 * will be stored, or when stopped.
 *
 * What would break it: taking *pending* or *spooled* for stored. The message would be on its way only, and whatever is
 * written behind it would be read without it.
 */
export async function storedSurely(indelible: Indelible, message: NewMessage, stop: AbortSignal): Promise<void> {
  const patience = { clock: indelible.clock, stop };
  const backoff = patientBackoff();
  for (;;) {
    const result = await indelible.save(message);
    if (result.status === 'stored') return;
    if (!isPassing(result.error)) throw result.error;
    do {
      await pause(patience, backoff.next(), result.error);
      if (result.message !== undefined && (await isStored(indelible, result.message))) return;
    } while (mayStillWait(indelible, result));
  }
}

function mayStillWait({ persistence }: Indelible, { status }: SaveResult): boolean {
  if (status === 'spooled') return persistence.outage().depth > 0;
  return status === 'pending' && persistence.queued > 0;
}

/**
 * Whether a message that was accepted has been stored since. As long as it may still wait it is looked for and not saved
 * again: during a long outage that would fill the queue.
 */
async function isStored({ store }: Indelible, { planId, messageId, body }: PreparedMessage): Promise<boolean> {
  try {
    const found = await store.log.find(planId, messageId);
    return found !== undefined && sameContent(found.body, body);
  } catch {
    return false; // nothing is stored where nothing can be read
  }
}
