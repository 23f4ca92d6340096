import { describe, expect, it } from 'vitest';
import { replayToKilledServer } from '../cli/killedServer.ts';
import { getRun } from '../cli/server.ts';
import { messageCount, readTranscriptFile, writeTranscripts } from '../cli/transcriptFile.ts';
import { withPlan, workplace } from '../cli/workplace.ts';

/** A generated file, or the one that INDELIBLE_TRANSCRIPTS names. Another seed by SOAK_SEED. */
const given = process.env['INDELIBLE_TRANSCRIPTS'];
const seed = Number(process.env['SOAK_SEED'] ?? 1);
const kills = 50;

describe('P1: what was acknowledged survives kill -9 of the server', () => {
  it(`every message whose save was acknowledged is there, once, in order, after ${kills} kills in the middle of a replay`, async () => {
    const folder = workplace();
    await withPlan(folder);
    const transcripts = given ?? writeTranscripts(folder, seed, 160, 34);
    const runs = readTranscriptFile(transcripts);
    const report = await replayToKilledServer({ folder, transcripts, runs, seed, kills, concurrency: 64 });
    expect(report.kills).toBe(kills);
    expect(report.summary).toMatchObject({ plans: runs.length, messages: messageCount(runs), failures: [] });
    expect(report.acknowledged.at(-1)).toBe(messageCount(runs));
    expect(report.unacknowledged.at(-1)).toBe(0);
    for (const run of runs) expect(await getRun(report.url, run.run)).toEqual(run);
    process.stdout.write(`${JSON.stringify({ seed, ...report })}\n`);
  });
});
