import { brokenPromises, type SoakRecord } from '../soakRecord.ts';
import { chart, codeOf, type Frame, faultColours, faultStrip, type Series } from './chart.ts';
import { style } from './style.ts';
import { faultTables, memoryTable, whatWasDone } from './tables.ts';

/** Steps that fit beside each other in a chart. */
const mostSteps = 900;
const colours = { 'server 1': '#2563eb', 'server 2': '#0d9488', 'host 1': '#9333ea', 'host 2': '#ea580c' } as const;

/** The report of a soak: one page that needs nothing else. It says what was measured, and no more. */
export function soakPage(record: SoakRecord): string {
  const step = Math.max(1, Math.ceil(record.seconds / mostSteps));
  const { seconds, faults, pauses, saves, processes, verdict } = record;
  const frame: Frame = { step, seconds, faults, pauses };
  const broken = brokenPromises(record);
  const day = new Date(record.startedAt).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
  const perSecond = (name: string, colour: string, values: readonly number[]): Series => ({
    name,
    colour,
    values: inSteps(values, step, (part) => mean(part)),
  });
  const otherwise = saves.pending.map(
    (count, second) => count + (saves.refused[second] ?? 0) + (saves.unanswered[second] ?? 0),
  );
  const most = (values: readonly (number | null)[]) => inSteps(values, step, highest);
  const ofProcesses = (pick: (one: SoakRecord['processes'][number]) => readonly (number | null)[]) =>
    processes.map((one) => ({
      name: one.name,
      colour: colours[one.name as keyof typeof colours],
      values: most(pick(one)),
    }));
  const charts = [
    chart(frame, {
      title: 'Saves',
      unit: 'tries a second, by what the agent was told',
      kind: 'stack',
      scale: 'linear',
      series: [
        perSecond('stored', '#3b82f6', saves.stored),
        perSecond('spooled', '#f59e0b', saves.spooled),
        perSecond('not acknowledged, sent again', '#dc2626', otherwise),
      ],
    }),
    chart(frame, {
      title: 'On disk',
      unit: 'messages that wait for the database, by process',
      kind: 'lines',
      scale: 'linear',
      series: ofProcesses(({ spoolDepth }) => spoolDepth),
    }),
    chart(frame, {
      title: 'Latency',
      unit: 'ms until a save was acknowledged, as the agent saw it',
      kind: 'lines',
      scale: 'log',
      floor: 1,
      series: [
        { name: 'p99', colour: '#e11d48', values: most(record.p99) },
        { name: 'p50', colour: '#1e293b', values: most(record.p50) },
      ],
    }),
    chart(frame, {
      title: 'Memory',
      unit: 'MiB resident, by process; a gap is a process that was killed',
      kind: 'lines',
      scale: 'linear',
      series: ofProcesses(({ rssMiB }) => rssMiB),
    }),
  ];
  const kinds = Object.entries(faultColours).map(
    ([name, colour]) => `<span><i style="background:${colour}">${codeOf(name)}</i>${name}</span>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Indelible: soak of ${day}</title><style>${style}</style></head><body><main>
<header><h1>Soak of ${day}</h1><p>${introduction(record)}</p></header>
<section class="verdict ${broken.length === 0 ? 'kept' : 'broken'}"><h2>${headline(record, broken.length)}</h2>
${
  broken.length === 0
    ? ''
    : `<ul>${broken
        .slice(0, 10)
        .map((sentence) => `<li>${escaped(sentence)}</li>`)
        .join('')}</ul>`
}</section>
<section class="tiles">${tiles(record)}</section>
<section><h2>What happened</h2>
<p class="kinds">${kinds.join('')}<span><i class="kill"></i>process killed with SIGKILL, until it worked again</span>
<span><i class="pause"></i>agents paused, to measure memory and to end</span></p>
${faultStrip(frame)}${charts.join('')}</section>
<section><h2>Memory, garbage collected, nothing to do</h2>${memoryTable(record)}</section>
<section><h2>Faults</h2>${faultTables(faults)}</section>
<section class="prose"><h2>What was done, and what is promised</h2>${whatWasDone(record, verdict)}</section>
</main></body></html>
`;
}

function introduction({ options, machine }: SoakRecord): string {
  return (
    `${options.agents} agents wrote to ${options.plans} plans for ${Math.round(options.minutes * 10) / 10} minutes, while ` +
    `the database and the processes between failed at random. <code>npm run soak -- --minutes ${options.minutes} ` +
    `--seed ${options.seed}</code><br><small>${escaped(machine)}. PostgreSQL on the same machine, fsync on.</small>`
  );
}

function headline({ verdict }: SoakRecord, broken: number): string {
  if (broken > 0) return broken === 1 ? 'One promise was broken' : `${count(broken)} promises were broken`;
  return `All ${count(verdict.rows)} acknowledged messages are in the database: once, unchanged, in order`;
}

function tiles({ faults, verdict, latency, saves }: SoakRecord): string {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const acknowledgedOnDisk = total(saves.spooled) / (total(saves.spooled) + total(saves.stored));
  const ofDatabase = faults.filter(({ of }) => of === 'database');
  const away = ofDatabase.reduce((sum, { from, to }) => sum + to - from, 0);
  const all: readonly (readonly [string, string])[] = [
    [count(verdict.rows), 'messages'],
    [count(verdict.violations.length), 'violations found by the oracle'],
    [`${count(ofDatabase.length)} / ${count(faults.length - ofDatabase.length)}`, 'faults of the database / kills'],
    [`${Math.round(away)} s`, 'in which the database was away'],
    [`${Math.round(acknowledgedOnDisk * 100)} %`, 'of saves acknowledged from disk'],
    [`${latency.well.p50 ?? '–'} / ${latency.away.p50 ?? '–'} ms`, 'median save: database there / away'],
    [`${latency.well.p99 ?? '–'} / ${latency.away.p99 ?? '–'} ms`, 'p99 save: there / away'],
    [count(verdict.seen + verdict.seenSpooled), `messages seen over ${count(verdict.connections)} WebSockets`],
  ];
  return all.map(([figure, what]) => `<div><b>${figure}</b><span>${what}</span></div>`).join('');
}

function inSteps<T>(values: readonly T[], step: number, of: (part: readonly T[]) => number | null): (number | null)[] {
  return Array.from({ length: Math.ceil(values.length / step) }, (_, index) =>
    of(values.slice(index * step, (index + 1) * step)),
  );
}

function mean(values: readonly number[]): number {
  return Math.round((values.reduce((sum, value) => sum + value, 0) / values.length) * 10) / 10;
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
