import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { prepareMessage } from 'indelible/protocol';
import { openSqliteStore } from 'indelible/sqlite';
import { History, type Submission } from 'indelible/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

const writer = fileURLToPath(new URL('./writer.ts', import.meta.url));

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'indelible-processes-')), 'log.db');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

describe('several processes on one SQLite file', () => {
  it('stay gapless while they write to one plan at once, and a watcher of one hears of the others', async () => {
    const { log } = open();
    const hints: unknown[] = [];
    log.onCommit((commits) => hints.push(commits));
    const history = new History();
    const others = ['first', 'second'].map((name) => new Writer(history, name, 100));
    await Promise.all(others.map((other) => other.writing()));
    for (let index = 1; index <= 100; index++) {
      const message = { planId: 'plan', messageId: `own-${index}`, agentName: 'own', content: `own-${index}` };
      const submission = history.submit('own', message);
      await vi.waitFor(async () => {
        const [outcome] = await log.append([prepareMessage(message, { now: Date.now })]);
        submission.acknowledged(outcome?.message.sequence);
      }, 5_000);
    }
    await Promise.all(others.map((other) => other.exit()));
    expect(history.counts()).toEqual({ acknowledged: 300, refused: 0, unknown: 0 });
    await history.verify(log);
    await vi.waitFor(() => expect(hints).toContain('unknown'), 5_000);
  });

  it('a watcher that writes nothing itself hears of each commit of another process', async () => {
    const { log } = open();
    let hints = 0;
    log.onCommit(() => hints++);
    for (const name of ['first', 'second', 'third']) {
      const before = hints;
      await new Writer(new History(), name, 1).exit();
      await vi.waitFor(() => expect(hints).toBeGreaterThan(before), 5_000);
    }
  });

  it('open a new file at once: one makes the tables, all use them', async () => {
    const history = new History();
    const writers = ['a', 'b', 'c', 'd'].map((name) => new Writer(history, name, 5));
    await Promise.all(writers.map((other) => other.exit()));
    const { log } = open();
    expect(writers.map(({ epoch }) => epoch)).toEqual(Array(4).fill(log.epoch));
    expect(history.counts().acknowledged).toBe(20);
    await history.verify(log);
  });

  it('P1: what was acknowledged is there, once and in order, after kill -9 at any moment', async () => {
    const history = new History();
    for (const round of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      const writers = [new Writer(history, `${round}a`, 100_000), new Writer(history, `${round}b`, 100_000)];
      await Promise.all(writers.map((other) => other.writing()));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      await Promise.all(writers.map((other) => other.kill()));
    }
    expect(history.counts().acknowledged).toBeGreaterThan(5);
    await history.verify(open().log);
  });
});

function open() {
  const store = openSqliteStore(path);
  onTestFinished(() => store.close());
  return store;
}

/** A process that writes `<name>-1`, `<name>-2` … and whose word is recorded. */
class Writer {
  epoch = '';
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #acknowledged: Promise<void>;

  constructor(history: History, name: string, count: number) {
    this.#process = spawn(process.execPath, [writer, path, 'plan', name, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    this.#closed = Promise.all([once(this.#process, 'close'), once(lines, 'close')]);
    const submissions = new Map<string, Submission>();
    this.#acknowledged = new Promise((resolve) => {
      lines.on('line', (line) => {
        const [what, id = '', place] = line.split(' ');
        if (what === 'opened') this.epoch = id;
        else if (what === 'submit') {
          submissions.set(id, history.submit(name, { planId: 'plan', messageId: id, agentName: name, content: id }));
        } else if (what === 'ack') {
          submissions.get(id)?.acknowledged(Number(place));
          resolve();
        }
      });
    });
  }

  /** Until its first message is stored. */
  async writing(): Promise<void> {
    await Promise.race([this.#acknowledged, this.#closed]);
  }

  async exit(): Promise<void> {
    await this.#closed;
    expect(this.#process.exitCode).toBe(0);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#closed;
  }
}
