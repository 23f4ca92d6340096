import { type RowView, rowText } from '../protocol/rowView.ts';
import type { MessageLog, TextPage } from './messageLog.ts';

/** What `readText` of a log answers, made of the messages that `read` answers. Any log can do it, through an object each. */
export async function renderedPage(
  log: Pick<MessageLog, 'read'>,
  planId: string,
  after: number,
  limit: number,
  view: RowView,
): Promise<TextPage> {
  // Updates are of no interest: each message is read with its content as of now.
  const { messages, position, more } = await log.read(
    planId,
    { sequence: after, revision: Number.MAX_SAFE_INTEGER },
    limit,
  );
  const text = Buffer.from(messages.map((message) => `,${rowText(view, message)}`).join(''));
  return { text, sequence: position.sequence, more };
}
