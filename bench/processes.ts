import { ClientProcess } from './clientProcess.ts';
import { figures, quantities, ratio, type Section } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { type BenchDatabase, withBenchDatabase } from './peers/database.ts';
import { expectRows } from './postgres/rowCount.ts';
import { serverCpu } from './postgres/serverCpu.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';
import type { SaverAnswer, SaverQuestion } from './saverProcess.ts';

const callers = 64;

const about = `Messages per second that were answered "stored" by 1, 2 and 4 server processes on one PostgreSQL together,
64 callers in each, 600-byte messages: to 100 plans of each process's own, and all to the same 100 plans. Each measurement
in an empty database. Without NOTIFY nobody is told of commits, as with INDELIBLE_WAKE=redis, but without Redis. CPU is of all processes together; "cores" is how many of the machine's were busy with either.`;

const units = {
  saves: 'msg/s',
  'CPU of the processes': 'µs/msg',
  'CPU of PostgreSQL': 'µs/msg',
  'cores, processes': '',
  'cores, PostgreSQL': '',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

export function measureProcesses(options: BenchOptions, progress: Progress): Promise<Section> {
  return withBenchDatabase(options.directory, async (database) => {
    const { seconds } = options;
    const run = (count: number, kind: { readonly shared?: boolean; readonly notify?: boolean } = {}) => {
      const load = { count, shared: false, notify: true, seconds, ...kind };
      return () => measure(database, load);
    };
    const found = await inRounds<string, Measured>(
      {
        '1 process': run(1),
        '2 processes': run(2),
        '4 processes': run(4),
        '2 processes, the same plans': run(2, { shared: true }),
        '4 processes, the same plans': run(4, { shared: true }),
        '1 process, no NOTIFY': run(1, { notify: false }),
        '4 processes, no NOTIFY': run(4, { notify: false }),
      },
      options.rounds,
      progress,
    );
    const saves = (name: string) => quantities(found[name] ?? [], 'saves');
    return {
      name: 'processes',
      about: `${about}\n\nOn ${database.description}.`,
      figures: Object.entries(found).flatMap(([name, rounds]) => figures(name, rounds, units)),
      ratios: Object.keys(found)
        .slice(1)
        .map((name) => ratio(`${name} / 1 process`, saves(name), saves('1 process'))),
    };
  });
}

interface ProcessesLoad {
  readonly count: number;
  /** All save to the same plans. */
  readonly shared: boolean;
  readonly notify: boolean;
  readonly seconds: number;
}

function measure(database: BenchDatabase, { count, shared, notify, seconds }: ProcessesLoad): Promise<Measured> {
  return database.withEmpty(async (url) => {
    const processes = Array.from(
      { length: count },
      () => new ClientProcess<SaverQuestion, SaverAnswer>('./saverProcess.ts'),
    );
    const askAll = (question: (index: number) => SaverQuestion) =>
      Promise.all(processes.map((process, index) => process.ask(question(index))));
    try {
      for (const process of processes) await process.ask({ ask: 'open', url, notify });
      const save = (length: number) =>
        askAll((index) => ({ ask: 'save', prefix: shared ? 'shared' : `own-${index}`, callers, seconds: length }));
      const before = await save(seconds * 0.2);
      const readServerCpu = await serverCpu(url);
      const cpuOfServer = readServerCpu?.() ?? 0;
      const answers = await save(seconds);
      const usedByServer = readServerCpu && readServerCpu() - cpuOfServer;
      await askAll(() => ({ ask: 'close' }));
      await expectRows(url, sum([...before, ...answers], 'messages'));
      const messages = sum(answers, 'messages');
      const used = sum(answers, 'cpu');
      const tookMs = Math.max(...answers.map((answer) => answer.tookMs));
      return {
        saves: (messages / tookMs) * 1000,
        'CPU of the processes': used / messages,
        'cores, processes': used / tookMs / 1000,
        ...(usedByServer !== undefined && {
          'CPU of PostgreSQL': usedByServer / messages,
          'cores, PostgreSQL': usedByServer / tookMs / 1000,
        }),
      };
    } finally {
      for (const process of processes) await process.end();
    }
  });
}

function sum(answers: readonly SaverAnswer[], quantity: keyof SaverAnswer): number {
  return answers.reduce((total, answer) => total + answer[quantity], 0);
}
