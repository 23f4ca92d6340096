import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { replayToKilledServer } from './killedServer.ts';
import { getRun } from './server.ts';
import { messageCount, readTranscriptFile, writeTranscripts } from './transcriptFile.ts';
import { withPlan, workplace } from './workplace.ts';

const earlyAcknowledgingServer = fileURLToPath(new URL('./earlyAcknowledgingServer.ts', import.meta.url));

describe('P1: what was acknowledged survives kill -9 of the server', { timeout: 120_000 }, () => {
  it('every message whose save was acknowledged is there, once, in order, after 5 kills in the middle of a replay', async () => {
    const { folder, transcripts, runs } = await place();
    const report = await replayToKilledServer({ folder, transcripts, runs, seed: 1, kills: 5, concurrency: 16 });
    expect(report.kills).toBe(5);
    expect(report.summary).toMatchObject({ plans: runs.length, messages: messageCount(runs), failures: [] });
    expect(report.acknowledged.at(-1)).toBe(messageCount(runs));
    expect(report.unacknowledged.at(-1)).toBe(0);
    for (const run of runs) expect(await getRun(report.url, run.run)).toEqual(run);
  });

  it('the control: a server that acknowledges before it commits is found out', async () => {
    const { folder, transcripts, runs } = await place();
    const program = earlyAcknowledgingServer;
    const killed = replayToKilledServer({ folder, transcripts, runs, seed: 1, kills: 5, concurrency: 16, program });
    await expect(killed).rejects.toThrow(/is lost: it was acknowledged at \d+ and is not there/);
  });
});

async function place() {
  const folder = workplace();
  await withPlan(folder);
  const transcripts = writeTranscripts(folder, 11, 20, 30);
  return { folder, transcripts, runs: readTranscriptFile(transcripts) };
}
