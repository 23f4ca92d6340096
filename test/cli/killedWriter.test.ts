import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { History, type Submission } from 'indelible/testing';
import { describe, expect, it, vi } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { between, randomNumbers } from './randomNumbers.ts';
import { messageCount, readTranscriptFile, writeTranscripts } from './transcriptFile.ts';
import { inDatabase, workplace } from './workplace.ts';

const talkingTeam = fileURLToPath(new URL('./talkingTeam.ts', import.meta.url));

describe('P1: what was acknowledged survives kill -9 of a process that writes to the store itself', {
  timeout: 120_000,
}, () => {
  it('of a replay, killed three times and given again: every acknowledged message is there, once, in order', async () => {
    const folder = workplace();
    const path = writeTranscripts(folder, 21, 12, 40);
    const runs = readTranscriptFile(path);
    const count = messageCount(runs);
    const acks = join(folder, 'acks.jsonl');
    const random = randomNumbers(3);
    for (const part of [0.2, 0.5, 0.8]) {
      const moment = lineCount(acks) + between(random, 1, Math.floor(count * 0.2));
      const replay = new CommandLine(['replay', path, '--acks', acks, '--speed', '100'], { cwd: folder });
      await vi.waitFor(() => expect(lineCount(acks)).toBeGreaterThan(moment), { timeout: 20_000, interval: 1 });
      expect(await replay.kill('SIGKILL'), `kill at ${part}`).toMatchObject({ signal: 'SIGKILL' });
      await verifyReplayed(folder, acks, runs);
    }
    expect(await indelible(['replay', path, '--acks', acks], { cwd: folder })).toMatchObject({ code: 0 });
    await verifyReplayed(folder, acks, runs);
    await inDatabase(folder, async ({ plans }) => {
      const stored = (await plans.list({ limit: 100 })).reduce((sum, { messageCount }) => sum + messageCount, 0);
      expect(stored).toBe(count);
    });
  });

  it('of a run, killed while its agents talk: every acknowledged message is there, once, in order', async () => {
    for (const moment of [1, 37, 400]) {
      const folder = workplace();
      const told = join(folder, 'told.txt');
      const run = new CommandLine(['run', 'Talk', '--team', talkingTeam, '--json'], {
        cwd: folder,
        env: { TOLD: told },
      });
      const acknowledged = () => wholeLines(told).filter((line) => line.startsWith('ack')).length;
      await vi.waitFor(() => expect(acknowledged()).toBeGreaterThanOrEqual(moment), { timeout: 20_000, interval: 1 });
      await run.kill('SIGKILL');
      const history = new History();
      const submitted = new Map<string, Submission>();
      for (const line of wholeLines(told)) {
        const [what, planId, messageId, agentName, sequence] = line.split(' ') as [
          string,
          string,
          string,
          string,
          string,
        ];
        if (what === 'submit')
          submitted.set(messageId, history.submit(agentName, { planId, messageId, agentName, content: messageId }));
        else submitted.get(messageId)?.acknowledged(Number(sequence));
      }
      await inDatabase(folder, ({ log }) => history.verify(log));
      expect(history.counts().acknowledged).toBeGreaterThanOrEqual(moment);
    }
  });
});

async function verifyReplayed(
  folder: string,
  acks: string,
  runs: ReturnType<typeof readTranscriptFile>,
): Promise<void> {
  const history = new History();
  const acknowledged = new Map<string, number>();
  for (const line of wholeLines(acks)) {
    const { message_id, sequence } = JSON.parse(line);
    acknowledged.set(message_id, sequence);
  }
  for (const { run, messages } of runs) {
    messages.forEach(({ agent_name, agent_type, content, metadata }, index) => {
      const messageId = `${run}-${index + 1}`;
      const message = { planId: run, messageId, agentName: agent_name, agentType: agent_type, content, metadata };
      const submission = history.submit(run, message);
      const sequence = acknowledged.get(messageId);
      if (sequence !== undefined) submission.acknowledged(sequence);
    });
  }
  await inDatabase(folder, ({ log }) => history.verify(log));
}

function wholeLines(path: string): string[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}

function lineCount(path: string): number {
  return wholeLines(path).length;
}
