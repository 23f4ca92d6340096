import type { Figure, Goal, Ratio, Section } from './figures.ts';
import type { Machine } from './machine.ts';

/** The results as a person reads them; valid Markdown too. */
export function report(machine: Machine, sections: readonly Section[]): string {
  return [describe(machine), ...sections.map(tell)].join('\n\n') + '\n';
}

function describe({ cpu, cores, memoryGiB, system, node, sqlite, inMemory, fsyncMs }: Machine): string {
  const disk = `4 KiB written and synced in ${number(fsyncMs.p50)} ms (p50), ${number(fsyncMs.p99)} ms (p99)`;
  const lines = [`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, SQLite ${sqlite}; ${disk}`];
  if (inMemory) lines.push('THE DATABASES LIE IN MEMORY: name a real disk by --directory');
  return lines.join('\n');
}

function tell({ name, about, figures, ratios }: Section): string {
  return [
    `## ${name}`,
    about,
    table(['', 'median', 'min', 'max', ''], figures.map(row)),
    table(
      ['ratio', 'median', 'min', 'max', 'goal'],
      ratios.map((one) => [...row(one).slice(0, 4), goal(one)]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function row({ name, unit, median, min, max }: Figure): string[] {
  return [name, number(median), number(min), number(max), unit];
}

function goal({ goal, met }: Ratio): string {
  return goal === undefined ? '' : `${limit(goal)}: ${met ? 'met' : 'MISSED'}`;
}

function limit(goal: Goal): string {
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
}

function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => (cells[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => '-'.repeat(width + 1) + (isNumber(column) ? ':' : '-')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return isNumber(column) ? text.padStart(width) : text.padEnd(width);
}

function isNumber(column: number): boolean {
  return column >= 1 && column <= 3;
}
