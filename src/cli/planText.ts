import type { Plan, PlanStatus } from '../protocol/plan.ts';
import { v3Plan } from '../server/v3Plan.ts';
import { columns, type Format, inColumns, inLines, onOneLine, type Paint, padded } from './terminalText.ts';

const colours: Partial<Record<PlanStatus, Format>> = {
  completed: 'green',
  failed: 'red',
  canceled: 'red',
  rejected: 'red',
};

/** Plans as a table, one line each; on a terminal, descriptions are cut to its width. */
export function planTable(plans: readonly Plan[], width: number | undefined, paint: Paint): string {
  const rows = plans.map(({ planId, status, messageCount, createdAt, description }) => ({
    planId: onOneLine(planId),
    status,
    messages: String(messageCount),
    created: minutes(createdAt),
    description,
  }));
  const widest = (title: string, texts: readonly string[]) => Math.max(title.length, ...texts.map(columns));
  const planColumns = widest(
    'PLAN',
    rows.map((row) => row.planId),
  );
  const statusColumns = widest(
    'STATUS',
    rows.map((row) => row.status),
  );
  const messageColumns = widest(
    'MESSAGES',
    rows.map((row) => row.messages),
  );
  const before = planColumns + statusColumns + messageColumns + 'YYYY-MM-DD HH:MM'.length + 4 * 2;
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(20, width - before);
  const head = ['PLAN'.padEnd(planColumns), 'STATUS'.padEnd(statusColumns), 'MESSAGES'.padStart(messageColumns)];
  const lines = rows.map((row) =>
    [
      padded(row.planId, planColumns),
      coloured(row.status, paint, statusColumns),
      row.messages.padStart(messageColumns),
      row.created,
      inColumns(row.description, room),
    ]
      .join('  ')
      .trimEnd(),
  );
  return [paint('dim', [...head, 'CREATED (UTC)   ', 'DESCRIPTION'].join('  ')), ...lines].join('\n');
}

/** A plan for people, above its messages. */
export function planHeading(plan: Plan, paint: Paint): string {
  const { planId, status, messageCount, createdAt, description } = plan;
  const facts = `${messages(messageCount)} · created ${minutes(createdAt)} UTC`;
  const first = `${paint('bold', onOneLine(planId))} · ${coloured(status, paint)} · ${facts}`;
  return [first, ...(description === '' ? [] : inLines(description))].join('\n');
}

/** A plan for scripts: what `GET /api/v3/plans` lists, and how many messages it has. */
export function planObject(plan: Plan): Record<string, unknown> {
  return { ...v3Plan(plan), message_count: plan.messageCount };
}

export function messages(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'message' : 'messages'}`;
}

export function plans(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'plan' : 'plans'}`;
}

function coloured(status: PlanStatus, paint: Paint, width = 0): string {
  return paint(colours[status] ?? 'cyan', status.padEnd(width));
}

function minutes(timestamp: string): string {
  return timestamp.slice(0, 16).replace('T', ' ');
}
