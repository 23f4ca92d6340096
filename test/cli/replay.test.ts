import { join } from 'node:path';
import { prepareMessage } from 'indelible/protocol';
import { History } from 'indelible/testing';
import { describe, expect, it, vi } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { between, randomNumbers } from './randomNumbers.ts';
import { getPlan, getRun, serveProcess } from './server.ts';
import { messageCount, type RecordedRun, readTranscriptFile, writeTranscripts } from './transcriptFile.ts';
import { Watching } from './watching.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

/** A generated file, and besides the one that INDELIBLE_TRANSCRIPTS names. */
const given = process.env['INDELIBLE_TRANSCRIPTS'];
const files: readonly { readonly name: string; readonly pathIn: (folder: string) => string }[] = [
  { name: 'a generated file', pathIn: (folder) => writeTranscripts(folder, 42, 12, 30) },
  ...(given === undefined ? [] : [{ name: given, pathIn: () => given }]),
];

describe.each(files)('replay of $name', { timeout: 120_000 }, ({ pathIn }) => {
  it('into the store leaves every content and metadata equal to the file when read by GET; again, it adds nothing', async () => {
    const { folder, path, runs } = place();
    const count = messageCount(runs);
    const once = await replayed(['replay', path, '--json'], folder);
    expect(once).toMatchObject({
      to: 'sqlite:./indelible.db',
      plans: runs.length,
      messages: count,
      stored: count,
      duplicates: 0,
    });
    const again = await replayed(['replay', path, '--json', '--concurrency', '3'], folder);
    expect(again).toMatchObject({ plans: runs.length, messages: count, stored: 0, duplicates: count });

    const { url } = await serveProcess(folder);
    await expectEqualToFile(url, runs);
  });

  it('to a server leaves the same, with sockets connected from the beginning, and each saw all of its plan live, in order, once', async () => {
    const { folder, path, runs } = place();
    await withPlan(folder);
    const { url } = await serveProcess(folder);
    const history = historyOf(runs);
    const sockets = await Promise.all(
      runs.map(async ({ run }) => {
        const watching = await Watching.connect(url, run, history.watch(`socket of ${run}`, run, 0));
        return watching;
      }),
    );
    const summary = await replayed(['replay', path, '--json', '--to', url], folder);
    expect(summary).toMatchObject({ to: url, stored: messageCount(runs), duplicates: 0 });
    await Promise.all(sockets.map((socket, index) => socket.untilSeen((runs[index] as RecordedRun).messages.length)));
    for (const socket of sockets) socket.log.stayedToTheEnd();
    await expectEqualToFile(url, runs);
    await inDatabase(folder, ({ log }) => history.verify(log));

    const again = await replayed(['replay', path, '--json', '--to', url], folder);
    expect(again).toMatchObject({ stored: 0, duplicates: messageCount(runs) });
    await expectEqualToFile(url, runs);
  });

  it('to a server leaves the same while sockets come and are dropped at random, and each saw a gapless run', async () => {
    const { folder, path, runs } = place();
    await withPlan(folder);
    const { url } = await serveProcess(folder);
    const history = historyOf(runs);
    const random = randomNumbers(7);
    let dropped = 0;
    let over = false;
    const comingAndGoing = Array.from({ length: 8 }, async (_, watcher) => {
      while (!over) {
        const { run } = runs[between(random, 0, runs.length - 1)] as RecordedRun;
        const socket = await Watching.connect(url, run, history.watch(`socket ${watcher}.${dropped}`, run));
        await new Promise((resolve) => setTimeout(resolve, between(random, 0, 40)));
        socket.drop();
        dropped++;
      }
    });
    const speed = runs.length > 50 ? 'max' : '40';
    const summary = await replayed(['replay', path, '--json', '--to', url, '--speed', speed], folder);
    over = true;
    await Promise.all(comingAndGoing);
    expect(summary).toMatchObject({ stored: messageCount(runs), duplicates: 0 });
    expect(dropped).toBeGreaterThan(20);
    await expectEqualToFile(url, runs);
    await inDatabase(folder, ({ log }) => history.verify(log));
  });

  it('into the file of a running server is seen live by its sockets', async () => {
    const { folder, path, runs } = place();
    await withPlan(folder);
    const { url } = await serveProcess(folder);
    const history = historyOf(runs);
    const [first] = runs as [RecordedRun];
    const socket = await Watching.connect(url, first.run, history.watch('socket', first.run, 0));
    await replayed(['replay', path, '--json'], folder);
    await socket.untilSeen(first.messages.length);
    socket.log.stayedToTheEnd();
    await inDatabase(folder, ({ log }) => history.verify(log));
  });

  function place() {
    const folder = workplace();
    const path = pathIn(folder);
    return { folder, path, runs: readTranscriptFile(path) };
  }
});

describe('replay', () => {
  it('names plans after runs and messages after run and place, in the order of the file', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 1, 2, 5);
    await replayed(['replay', path, '--json'], folder);
    for (const { run, description, messages } of readTranscriptFile(path)) {
      await inDatabase(folder, async ({ log, plans }) => {
        expect(await plans.find(run)).toMatchObject({
          description,
          status: 'completed',
          messageCount: messages.length,
        });
        const page = await log.read(run, { sequence: 0, revision: 0 }, 100);
        expect(page.messages.map(({ messageId }) => messageId)).toEqual(
          messages.map((_, index) => `${run}-${index + 1}`),
        );
      });
    }
  });

  it('writes a line for each acknowledged message into the file of --acks', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 2, 3, 8);
    const runs = readTranscriptFile(path);
    await replayed(['replay', path, '--json', '--acks', 'acks.jsonl'], folder);
    await replayed(['replay', path, '--json', '--acks', 'acks.jsonl'], folder);
    const acks = readTranscriptFile(join(folder, 'acks.jsonl')) as unknown as {
      message_id: string;
      duplicate: boolean;
    }[];
    expect(acks.filter(({ duplicate }) => !duplicate)).toHaveLength(messageCount(runs));
    expect(acks.filter(({ duplicate }) => duplicate)).toHaveLength(messageCount(runs));
  });

  it('tells people how many were new and how many were there', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 3, 2, 4);
    const count = messageCount(readTranscriptFile(path));
    const { code, stdout, stderr } = await indelible(['replay', path], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(`2 plans, ${count} messages in sqlite:./indelible.db: ${count} new, 0 there already.`);
  });

  it('keeps what is there when a file says otherwise, writes the other plans, says which, and fails', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 4, 3, 6);
    const runs = readTranscriptFile(path);
    const [first] = runs as [RecordedRun];
    await inDatabase(folder, async ({ log }) => {
      const other = { planId: first.run, messageId: `${first.run}-2`, agentName: 'Other', content: 'other' };
      await log.append([prepareMessage(other, { now: Date.now })]);
    });
    const { code, stdout } = await indelible(['replay', path, '--json'], { cwd: folder });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      plans: 2,
      failures: [{ plan_id: first.run, message_id: `${first.run}-2`, error: { code: 'message_conflict' } }],
    });
    const { stderr } = await indelible(['replay', path], { cwd: folder });
    expect(stderr).toContain(`refused: ${first.run}-2: `);
    expect(stderr).toContain('not written. Replay again to go on');
    await inDatabase(folder, async ({ log }) => {
      const page = await log.read(first.run, { sequence: 0, revision: 0 }, 100);
      expect(page.messages.map(({ messageId }) => messageId)).toEqual([`${first.run}-2`, `${first.run}-1`]);
    });
  });

  it('paces each plan by --speed', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 5, 2, 4);
    const longest = Math.max(...readTranscriptFile(path).map(({ messages }) => messages.length));
    const { seconds } = await replayed(['replay', path, '--json', '--speed', '10'], folder);
    expect(seconds).toBeGreaterThanOrEqual((longest - 1) / 10);
  });

  it('stopped in the middle, says what is not written; given again, it writes the rest', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 6, 4, 20);
    const count = messageCount(readTranscriptFile(path));
    const stopped = new CommandLine(['replay', path, '--speed', '5', '--acks', 'acks.jsonl'], { cwd: folder });
    await vi.waitFor(() => expect(readTranscriptFile(join(folder, 'acks.jsonl')).length).toBeGreaterThan(4), 10_000);
    const { code, stderr } = await stopped.kill('SIGINT');
    expect(code).toBe(1);
    expect(stderr).toContain('not written. Replay again to go on');
    const { stored, duplicates, messages } = await replayed(['replay', path, '--json'], folder);
    expect(messages).toBe(count);
    expect(stored).toBeGreaterThan(0);
    expect(duplicates).toBeGreaterThan(4);
  });

  it.each([
    ['not JSON', '{"run": "a"', 'line 1: is not JSON in UTF-8'],
    ['a missing member', '{"run":"a","messages":[{"agent_name":"A"}]}', 'line 1: messages[0].content'],
    ['an id that cannot be one', '{"run":"a/b","messages":[]}', 'line 1: run holds a control character or a slash'],
    [
      'a name that cannot be one',
      '{"run":"a","messages":[{"agent_name":"","content":""}]}',
      'line 1: messages[0].agent_name is empty',
    ],
    [
      'a number JSON would round',
      '{"run":"a","messages":[{"agent_name":"A","content":"","metadata":{"n":[9007199254740993]}}]}',
      'messages[0].metadata.n[0]',
    ],
    ['a run twice', '{"run":"a","messages":[]}\n\n{"run":"a","messages":[]}', 'line 3: run "a" is that of line 1 too'],
    ['nothing', '\n', 'holds no conversation'],
  ])('refuses a file with %s, naming the place', async (_, text, place) => {
    const folder = workplace();
    const alone = await indelible(['replay', '-'], { cwd: folder, stdin: text });
    expect(alone).toMatchObject({ code: 1, stdout: '' });
    expect(alone.stderr).toContain(place);
    expect(alone.stderr).toContain('code: invalid_transcript');
  });

  it('writes nothing of a file with a bad line, not even the lines before it', async () => {
    const folder = workplace();
    const stdin = '{"run":"good","messages":[{"agent_name":"A","content":"kept out"}]}\n{"run":"bad"}\n';
    expect(await indelible(['replay', '-'], { cwd: folder, stdin })).toMatchObject({ code: 1 });
    const { stderr } = await indelible(['list'], { cwd: folder });
    expect(stderr).toContain('there is no database');
  });
});

async function replayed(args: readonly string[], cwd: string): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await indelible(args, { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

async function expectEqualToFile(url: string, runs: readonly RecordedRun[]): Promise<void> {
  for (const run of runs) {
    expect(await getRun(url, run.run)).toEqual(run);
    const { messages } = await getPlan(url, run.run);
    expect(messages.map(({ sequence }) => sequence)).toEqual(run.messages.map((_, index) => index + 1));
  }
}

/** A history in which every message of the file was acknowledged. */
function historyOf(runs: readonly RecordedRun[]): History {
  const history = new History();
  for (const { run, messages } of runs) {
    messages.forEach(({ agent_name, agent_type, content, metadata }, index) => {
      const message = {
        planId: run,
        messageId: `${run}-${index + 1}`,
        agentName: agent_name,
        agentType: agent_type,
        content,
        metadata,
      };
      history.submit(run, message).acknowledged(index + 1);
    });
  }
  return history;
}
