import { type AsideRecord, SpoolDesk, type SpoolOverview } from '../persistence/spool/spoolDesk.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { type SpoolPlaceOptions, spoolPaths } from './spoolPlaces.ts';
import { onOneLine, type Paint } from './terminalText.ts';

export interface SpoolListOptions extends SpoolPlaceOptions {
  readonly json?: boolean;
}

/** `indelible spool list`: how much waits in the spools of a store, and what was set aside in them, with why. */
export async function spoolList(
  options: SpoolListOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const paths = spoolPaths(options, environment);
  const spools = paths.map((path) => ({ path, ...overviewOf(path) }));
  if (options.json) output.json(JSON.stringify(spools.map(spoolObject)));
  else if (spools.length === 0) output.note('There is no spool here: nothing was ever spooled.');
  else output.line(spools.map((spool) => spoolText(spool, output.paint)).join('\n\n'));
  return 0;
}

function overviewOf(path: string): SpoolOverview {
  const desk = new SpoolDesk(path);
  try {
    return desk.overview();
  } finally {
    desk.close();
  }
}

type Listed = SpoolOverview & { readonly path: string };

function spoolText({ path, depth, size, oldestAcceptedAt, aside }: Listed, paint: Paint): string {
  const since = oldestAcceptedAt === undefined ? '' : `, the first since ${time(oldestAcceptedAt)}`;
  const waits = `${messages(depth)} ${depth === 1 ? 'waits' : 'wait'} for the database${since}`;
  const head = `${paint('bold', onOneLine(path))} · ${waits} · ${aside.length} set aside · ${megabytes(size)} MB`;
  return [head, ...aside.flatMap((record) => asideText(record, paint))].join('\n');
}

function asideText({ id, planId, messageId, code, text, since }: AsideRecord, paint: Paint): string[] {
  const name = `${onOneLine(messageId) || '(no id)'} · plan ${onOneLine(planId) || '(unknown)'}`;
  return [
    '',
    `${paint('bold', name)} · place ${id} · since ${time(since)}`,
    `  ${paint('red', code)}: ${onOneLine(text)}`,
  ];
}

function spoolObject({ path, depth, size, oldestAcceptedAt, aside }: Listed): Record<string, unknown> {
  return {
    spool: path,
    waiting: depth,
    bytes: size,
    oldest_accepted_at: oldestAcceptedAt === undefined ? null : iso(oldestAcceptedAt),
    set_aside: aside.map(({ id, planId, messageId, code, text, since, intact }) => ({
      plan_id: planId,
      message_id: messageId,
      place: id,
      code,
      message: text,
      since: iso(since),
      intact,
    })),
  };
}

function time(ms: number): string {
  return `${iso(ms).slice(0, 19).replace('T', ' ')} UTC`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toLocaleString('en', { maximumFractionDigits: 1 });
}
