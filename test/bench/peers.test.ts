import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Callers } from '../../bench/peers/callers.ts';
import { compareAll, type Run } from '../../bench/peers/comparison.ts';
import { ContenderProcess } from '../../bench/peers/contenderProcess.ts';
import { type Contender, contenders, indelible } from '../../bench/peers/contenders.ts';
import { installPeers } from '../../bench/peers/install.ts';
import { Workload } from '../../bench/workload.ts';
import type { NewMessage } from '../../src/protocol/message.ts';

const peer = contenders.find(({ goal }) => goal === 10) as Contender;

describe('the comparison with peers', () => {
  const measured = (saves: number) => ({ measured: { saves, p50: 1, p99: 2 } });
  const run = (contender: Contender, answers: Run['answers']): Run => ({ contender, load: '64 callers', answers });

  it('tells a ratio round by round, and whether its goal was met', () => {
    const ours = run(indelible, [measured(100), measured(120), measured(90)]);
    const { ratios, leftOut } = compareAll([], [ours, run(peer, [measured(10), measured(10), measured(10)])], []);
    expect(ratios).toMatchObject([
      { name: `Indelible / ${peer.name}, 64 callers`, median: 10, min: 9, max: 12, met: true, goal: { atLeast: 10 } },
    ]);
    expect(compareAll([], [ours, run(peer, [measured(11), measured(13), measured(10)])], []).ratios).toMatchObject([
      { met: false },
    ]);
    expect(leftOut).toEqual([]);
  });

  it('tells the CPU for a message as a multiple of ours, where it was seen', () => {
    const using = (CPU: number) => ({ measured: { saves: 1, p50: 1, p99: 2, CPU } });
    const name = `${peer.name} / Indelible, 64 callers: CPU a message`;
    const ours = run(indelible, [using(50)]);
    expect(compareAll([], [ours, run(peer, [using(600)])], []).ratios[1]).toMatchObject({ name, median: 12 });
    expect(compareAll([], [ours, run(peer, [measured(1)])], []).ratios).toHaveLength(1);
  });

  it('leaves out whoever failed in a round, and says so with the reason in the text and as data', () => {
    const failed = run(peer, [measured(10), { failure: 'Cannot find package' }, { failure: 'Cannot find package' }]);
    const ours = run(indelible, [measured(100), measured(100), measured(100)]);
    const section = compareAll(['About.'], [ours, failed], [{ name: 'another', reason: 'npm ci failed' }]);
    expect(section.ratios).toEqual([]);
    expect(section.figures.map(({ name }) => name)).toEqual(
      ['saves', 'p50', 'p99'].map((quantity) => `Indelible, 64 callers: ${quantity}`),
    );
    expect(section.leftOut).toEqual([
      { name: 'another', reason: 'npm ci failed' },
      { name: `${peer.name}, 64 callers`, reason: 'Cannot find package' },
    ]);
    expect(section.about).toContain(`**${peer.name}, 64 callers**: Cannot find package`);
  });
});

describe('the installation of the peers', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'indelible-peers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: object | string) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const lock = { name: 'peers', version: '0.0.0', lockfileVersion: 3, requires: true, packages: { '': {} } };

  it('is done once for a lock file, and again for another', async () => {
    const said: string[] = [];
    write('package.json', { name: 'peers', version: '0.0.0' });
    write('package-lock.json', lock);
    expect(await installPeers(folder, (what) => said.push(what))).toBeUndefined();
    expect(await installPeers(folder, (what) => said.push(what))).toBeUndefined();
    expect(said).toHaveLength(1);
    write('package-lock.json', { ...lock, version: '0.0.1' });
    expect(await installPeers(folder, (what) => said.push(what))).toBeUndefined();
    expect(said).toHaveLength(2);
  }, 60_000);

  it('that fails is a reason, not an error', async () => {
    write('package.json', 'no JSON');
    write('package-lock.json', lock);
    expect(await installPeers(folder, () => {})).toMatch(/^npm ci in .* failed: EJSONPARSE/);
  }, 60_000);
});

describe('a contender in its process', () => {
  const question = { url: '', directory: '', plans: 4, callers: 2, messagesPerCall: 1, seconds: 0.01 };
  const adapter = (code: string) => `data:text/javascript,${encodeURIComponent(`export const adapter = ${code};`)}`;
  const keeping = (stored: string) => `{
    async open() {
      let stored = 0;
      console.log('a library that talks');
      return { save: async () => { stored++ }, stored: async () => ${stored}, close: async () => {} };
    },
  }`;
  const ask = async (url: string) => {
    const contender = new ContenderProcess(url);
    try {
      return await contender.measure(question);
    } finally {
      await contender.end();
    }
  };

  it('answers what it measured', async () => {
    expect(await ask(adapter(keeping('stored')))).toMatchObject({ measured: { saves: expect.any(Number) } });
  });

  it('fails if it acknowledged a message that is not there', async () => {
    expect(await ask(adapter(keeping('stored - 1')))).toMatchObject({
      failure: expect.stringMatching(/^\d+ messages were acknowledged, \d+ are stored$/),
    });
  });

  it('fails if its package is not installed', async () => {
    expect(await ask(new URL('./not-there.ts', import.meta.url).href)).toMatchObject({
      failure: expect.stringContaining('Cannot find module'),
    });
  });

  it('fails if its process ends, and then stays failed', async () => {
    const contender = new ContenderProcess(adapter('{ open() { process.exit(7) } }'));
    const failed = { failure: 'its process ended with 7' };
    expect(await contender.measure(question)).toEqual(failed);
    expect(await contender.measure(question)).toEqual(failed);
    await contender.end();
  });
});

describe('the callers', () => {
  it('write a plan one at a time, in order, and all plans alike', async () => {
    const workload = new Workload(10);
    const busy = new Set<string>();
    const steps = new Map<string, number[]>();
    const call = async (messages: readonly NewMessage[]) => {
      const [planId, ...others] = new Set(messages.map((message) => message.planId));
      if (planId === undefined || others.length > 0 || busy.has(planId)) throw new Error(`two calls for ${planId}`);
      busy.add(planId);
      steps.set(planId, [
        ...(steps.get(planId) ?? []),
        ...messages.map(({ metadata }) => metadata?.['step'] as number),
      ]);
      await new Promise((resolve) => setTimeout(resolve, steps.size % 3));
      busy.delete(planId);
    };
    const callers = new Callers(workload);
    const first = await callers.run({ callers: 7, messagesPerCall: 3, seconds: 0.1 }, call);
    const second = await callers.run({ callers: 7, messagesPerCall: 3, seconds: 0.1 }, call);
    expect([...steps.values()].flat()).toHaveLength(first.messages + second.messages);
    expect(new Set([...steps.values()].flat()).size).toBe(first.messages + second.messages);
    for (const found of steps.values()) expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(steps.size).toBe(10);
  });
});
