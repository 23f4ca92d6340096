import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { History, type Submission } from 'indelible/testing';
import { CommandLine } from './commandLine.ts';
import { between, randomNumbers } from './randomNumbers.ts';
import { messageCount, type RecordedRun } from './transcriptFile.ts';
import { inDatabase } from './workplace.ts';

export interface KilledServerOptions {
  readonly folder: string;
  readonly transcripts: string;
  readonly runs: readonly RecordedRun[];
  readonly seed: number;
  readonly kills: number;
  readonly concurrency: number;
  /** A server of one's own, started as `serve` is. */
  readonly program?: string;
}

export interface KilledServerReport {
  /** While messages were on their way. */
  readonly kills: number;
  /** Before the server had come up again. */
  readonly killsWhileStarting: number;
  /** Messages acknowledged at the time of each kill. */
  readonly acknowledged: readonly number[];
  /** Messages that were stored by then, and not acknowledged. */
  readonly unacknowledged: readonly number[];
  readonly summary: Record<string, unknown>;
  readonly url: string;
}

/**
 * Replays a file to a server that is killed with SIGKILL at random moments, and started again on the same port. After
 * each kill, before anything else touches the file, and at the end, the database is held against what was acknowledged
 * until then: acknowledged ⊆ database ⊆ acknowledged ∪ unknown, each once, content equal, each plan in order.
 *
 * Throws an AssertionError that lists every broken promise.
 */
export async function replayToKilledServer(options: KilledServerOptions): Promise<KilledServerReport> {
  const { folder, transcripts, runs, seed, kills, concurrency } = options;
  const random = randomNumbers(seed);
  const total = messageCount(runs);
  const acks = new Acknowledgements(join(folder, 'acks.jsonl'), runs);
  const report = { kills: 0, killsWhileStarting: 0, acknowledged: [] as number[], unacknowledged: [] as number[] };

  const start = (port: string) =>
    new CommandLine(['serve', '--port', port], { cwd: folder, ...(options.program && { program: options.program }) });
  let server = start('0');
  const [, url, port] = (await server.printed(/Listening on (http:\S+:(\d+))/)) as unknown as [string, string, string];
  const replay = new CommandLine(
    ['replay', transcripts, '--to', url, '--acks', acks.path, '--json', '--concurrency', String(concurrency)],
    { cwd: folder },
  );

  const check = async () => {
    acks.read();
    await inDatabase(folder, async ({ log }) => {
      await acks.history.verify(log);
      const heads = await log.heads(runs.map(({ run }) => run));
      const stored = [...heads.values()].reduce((sum, { sequence }) => sum + sequence, 0);
      report.acknowledged.push(acks.count);
      report.unacknowledged.push(stored - acks.count);
    });
  };

  // Moments in the way of the messages, in equal parts of it so that none falls behind the end.
  const moments = Array.from({ length: kills }, (_, index) => ((index + 0.1 + random() * 0.8) / kills) * total * 0.95);
  for (const moment of moments) {
    while (acks.read() < moment && !replay.isOver) await sleep(1);
    await sleep(random() * 5);
    if (replay.isOver) throw new Error(`the replay was over after ${report.kills} kills\n${replay.stderr}`);
    await server.kill('SIGKILL');
    report.kills++;
    await check();
    while (random() < 0.2) {
      server = start(port);
      await sleep(between(random, 100, 800));
      if (/Listening/.test(server.stdout)) break;
      await server.kill('SIGKILL');
      report.killsWhileStarting++;
      await check();
    }
    if (server.isOver) server = start(port);
    await server.printed(/Listening on/);
  }

  const { code, stdout, stderr } = await replay.ended;
  if (code !== 0) throw new Error(`the replay failed with ${code}\n${stdout}\n${stderr}`);
  await check();
  return { ...report, summary: JSON.parse(stdout), url };
}

/** What the replay was told, read from the file it writes it to. */
class Acknowledgements {
  readonly path: string;
  readonly history = new History();
  readonly #submissions = new Map<string, Submission>();
  #bytes = 0;
  #count = 0;

  constructor(path: string, runs: readonly RecordedRun[]) {
    this.path = path;
    for (const { run, messages } of runs) {
      messages.forEach(({ agent_name, agent_type, content, metadata }, index) => {
        const messageId = `${run}-${index + 1}`;
        const message = { planId: run, messageId, agentName: agent_name, agentType: agent_type, content, metadata };
        this.#submissions.set(messageId, this.history.submit(run, message));
      });
    }
  }

  get count(): number {
    return this.#count;
  }

  /** Takes in what is new; answers how many messages are acknowledged. */
  read(): number {
    if (!existsSync(this.path)) return 0;
    const bytes = readFileSync(this.path);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end > this.#bytes) {
      for (const line of bytes.toString('utf8', this.#bytes, end).trimEnd().split('\n')) {
        const { message_id, sequence } = JSON.parse(line);
        (this.#submissions.get(message_id) as Submission).acknowledged(sequence);
        this.#count++;
      }
      this.#bytes = end;
    }
    return this.#count;
  }
}
