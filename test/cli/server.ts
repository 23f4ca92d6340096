import type { WireRow } from '../../src/testing/index.ts';
import { CommandLine } from './commandLine.ts';
import type { RecordedRun } from './transcriptFile.ts';

export interface ServerProcess {
  readonly process: CommandLine;
  readonly url: string;
}

/** `indelible serve`, when it listens. On a new database it runs the demo first. */
export async function serveProcess(
  cwd: string,
  args: readonly string[] = [],
  program?: string,
): Promise<ServerProcess> {
  const call = program === undefined ? { cwd } : { cwd, program };
  const server = new CommandLine(['serve', '--port', '0', ...args], call);
  const [, url] = await server.printed(/Listening on (http:\S+)/);
  return { process: server, url: url as string };
}

export async function getPlan(
  url: string,
  planId: string,
): Promise<{ plan: Record<string, unknown>; messages: WireRow[] }> {
  const response = await fetch(`${url}/api/v3/plan?plan_id=${encodeURIComponent(planId)}`);
  if (response.status !== 200) throw new Error(`GET answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { plan: Record<string, unknown>; messages: WireRow[] };
}

/** What of a run a reader finds, in the words of the transcript file. */
export async function getRun(url: string, planId: string): Promise<RecordedRun> {
  const { plan, messages } = await getPlan(url, planId);
  return {
    run: planId,
    description: plan['description'] as string,
    messages: messages.map(({ agent_name, agent_type, content, metadata }) => ({
      agent_name,
      agent_type,
      content,
      metadata,
    })),
  };
}
