import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RowView } from '../protocol/rowView.ts';
import type { MessageLog, TextPage } from './messageLog.ts';
import { renderedPage } from './renderedPage.ts';

const pageSize = 512;

type TextLog = Pick<MessageLog, 'read' | 'readText'>;

/**
 * The messages of a plan as a view shows them, in order, a page at a time, up to where the log ends when the last page is
 * read. As in a page, a comma stands before each row. A plan without messages gives one empty piece.
 *
 * While a page is being passed on the next one is read, and no more: two are in memory, however long the plan is and
 * however slow its reader. Between pages everybody else gets a turn, for a database in this process answers at once.
 */
export async function* readAllText(
  log: TextLog,
  planId: string,
  view: RowView,
): AsyncGenerator<Uint8Array, void, undefined> {
  let page = await textPage(log, planId, 0, pageSize, view);
  for (;;) {
    const next = page.more ? pageAfterTurn(log, planId, page.sequence, view) : undefined;
    next?.catch(() => {}); // whoever waits for it below is told; a reader that went away is not
    yield page.text;
    if (next === undefined) return;
    page = await next;
  }
}

async function pageAfterTurn(log: TextLog, planId: string, after: number, view: RowView): Promise<TextPage> {
  await nextTurn();
  return textPage(log, planId, after, pageSize, view);
}

/** A page by the log's own way, if it has one. */
export function textPage(log: TextLog, planId: string, after: number, limit: number, view: RowView): Promise<TextPage> {
  return log.readText?.(planId, after, limit, view) ?? renderedPage(log, planId, after, limit, view);
}
