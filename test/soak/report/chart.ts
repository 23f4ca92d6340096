import type { FaultRecord, SoakRecord } from '../soakRecord.ts';

/** One line, or one layer of a stack: a value for each step, null where there is none. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly kind: 'stack' | 'lines';
  readonly scale: 'linear' | 'log';
  /** The lowest value shown; 0 where the scale is linear. */
  readonly floor?: number;
}

/** Where charts are drawn: all of them on one axis of time. */
export interface Frame {
  /** Of one value, in s. */
  readonly step: number;
  readonly seconds: number;
  readonly faults: readonly FaultRecord[];
  readonly pauses: SoakRecord['pauses'];
}

const width = 1120;
const left = 60;
const right = 8;
const height = 170;
const top = 10;
const bottom = 22;

export const faultColours: Readonly<Record<string, string>> = {
  killed: '#c2410c',
  stopped: '#b45309',
  'black-holed': '#334155',
  paused: '#7c3aed',
  'read-only': '#0e7490',
};

/** An SVG with the faults of the database as shades behind it, and the kills of processes as lines. */
export function chart(frame: Frame, { title, unit, series, kind, scale, floor = 0 }: ChartOptions): string {
  const stacked = kind === 'stack' ? stack(series) : series;
  const most = Math.max(floor * 10, ...stacked.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = scale === 'log' ? powers(floor, most) : round(most);
  const ceiling = ticks.at(-1) as number;
  const share = (value: number) =>
    scale === 'log' ? Math.log(Math.max(value, floor) / floor) / Math.log(ceiling / floor) : value / ceiling;
  const y = (value: number) => one(top + (height - top - bottom) * (1 - share(value)));
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text class="tick" x="${left - 7}" y="${y(tick) + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
  );
  const drawn =
    kind === 'stack'
      ? stacked.toReversed().map(({ colour, values }) => `<path fill="${colour}" d="${area(values, frame, y)}"/>`)
      : stacked.map(({ colour, values, dashed }) => {
          const dash = dashed ? ' stroke-dasharray="5 3"' : '';
          return `<path fill="none" stroke="${colour}" stroke-width="1.4"${dash} d="${line(values, frame, y)}"/>`;
        });
  const legend = series.map(({ name, colour }) => `<span><i style="background:${colour}"></i>${name}</span>`);
  return (
    `<figure><figcaption><b>${title}</b> <em>${unit}</em><span class="legend">${legend.join('')}</span></figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${shades(frame, top, height - bottom)}` +
    `${grid.join('')}${drawn.join('')}${times(frame)}</svg></figure>`
  );
}

/** The strip above the charts that says which shade is which fault, and which process was killed when. */
export function faultStrip(frame: Frame): string {
  const blocks = frame.faults.map(({ what, of, from, to }) => {
    const [start, end] = [x(frame, from), x(frame, to)];
    const hint = `<title>${what}, ${Math.round(to - from)} s from ${clock(from)}</title>`;
    if (of === 'database') {
      const wide = Math.max(2, end - start);
      const letter = wide < 9 ? '' : `<text x="${one(start + wide / 2)}" y="19" class="code">${codeOf(what)}</text>`;
      return `<g>${hint}<rect x="${start}" y="6" width="${one(wide)}" height="18" rx="2" fill="${faultColours[what]}"/>${letter}</g>`;
    }
    const lane = what.startsWith('server') ? 34 : 50;
    return (
      `<g>${hint}<rect x="${start}" y="${lane}" width="${one(Math.max(2, end - start))}" height="12" rx="2" class="kill"/>` +
      `<text x="${one(start + 3)}" y="${lane + 10}" class="kill-name">${/\d/.exec(what)?.[0] ?? ''}</text></g>`
    );
  });
  const names = ['database', 'servers', 'hosts'].map(
    (name, index) => `<text class="tick" x="${left - 7}" y="${[19, 44, 60][index]}" text-anchor="end">${name}</text>`,
  );
  return `<svg viewBox="0 0 ${width} 68" role="img" aria-label="Faults">${names.join('')}${blocks.join('')}</svg>`;
}

export function codeOf(fault: string): string {
  return (fault[0] ?? '').toUpperCase();
}

export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function shades(frame: Frame, from: number, to: number): string {
  const faults = frame.faults.map((fault) => {
    const start = x(frame, fault.from);
    const wide = one(Math.max(1, x(frame, fault.to) - start));
    if (fault.of === 'process') return `<line class="killed" x1="${start}" x2="${start}" y1="${from}" y2="${to}"/>`;
    return `<rect x="${start}" y="${from}" width="${wide}" height="${to - from}" fill="${faultColours[fault.what]}" opacity=".13"/>`;
  });
  const pauses = frame.pauses.map((pause) => {
    const start = x(frame, pause.from);
    const wide = one(Math.max(1, x(frame, pause.to) - start));
    return `<rect class="pause" x="${start}" y="${from}" width="${wide}" height="${to - from}"/>`;
  });
  return faults.join('') + pauses.join('');
}

function times(frame: Frame): string {
  const minutes = frame.seconds / 60;
  const every = [0.25, 0.5, 1, 2, 5, 10, 30].find((step) => minutes / step <= 12) ?? 60;
  const marks = Array.from({ length: Math.floor(minutes / every) + 1 }, (_, index) => index * every);
  return marks
    .map((minute) => `<text class="tick" x="${x(frame, minute * 60)}" y="${height - 6}">${clock(minute * 60)}</text>`)
    .join('');
}

function x({ seconds }: Frame, second: number): number {
  return one(left + ((width - left - right) * Math.min(second, seconds)) / seconds);
}

/** Each layer on top of those before it. */
function stack(series: readonly Series[]): Series[] {
  const sums: number[] = [];
  return series.map((layer) => ({
    ...layer,
    values: layer.values.map((value, index) => {
      const sum = (sums[index] ?? 0) + (value ?? 0);
      sums[index] = sum;
      return sum;
    }),
  }));
}

function area(values: readonly (number | null)[], frame: Frame, y: (value: number) => number): string {
  const points = values.map((value, index) => `${x(frame, index * frame.step)} ${y(value ?? 0)}`);
  return `M${left} ${y(0)}L${points.join('L')}L${x(frame, values.length * frame.step)} ${y(0)}Z`;
}

function line(values: readonly (number | null)[], frame: Frame, y: (value: number) => number): string {
  let path = '';
  let isDrawing = false;
  for (const [index, value] of values.entries()) {
    if (value !== null) path += `${isDrawing ? 'L' : 'M'}${x(frame, index * frame.step)} ${y(value)}`;
    if (value !== null && !isDrawing) path += 'h.5';
    isDrawing = value !== null;
  }
  return path;
}

function powers(floor: number, most: number): number[] {
  const ticks = [floor];
  while ((ticks.at(-1) as number) < most) ticks.push((ticks.at(-1) as number) * 10);
  return ticks;
}

/** About four round steps from 0 to at least `most`. */
function round(most: number): number[] {
  const rough = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) as number;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}

function one(value: number): number {
  return Math.round(value * 10) / 10;
}
