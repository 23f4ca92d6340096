import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, post } from '../server/http.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { approvingTeam, askingGraph } from './askingTeams.ts';
import { ForkClient } from './forkClient.ts';
import { Gates, perform, plainTeam } from './teams.ts';
import { WebApp } from './webApp.ts';
import { type WireServer, wireServer } from './wireServer.ts';

const feedback = 'Be brief';
const answer = 'The "second" one';

/** What a team asks, in order. */
const asked = { held: [], approving: ['approval'], graph: ['approval', 'clarification'] } as const;
type TeamId = keyof typeof asked;

describe.each(storesUnderTest)('The same messages are in the database, on $name,', (store) => {
  let server: WireServer;
  const gates = new Gates();
  beforeAll(async () => {
    const held = plainTeam('held', (run) => gates.opened(run.planId).then(() => perform(run)));
    server = await wireServer(store, { teams: [held, approvingTeam, askingGraph()] });
  });
  afterAll(() => server?.close());

  /** Nobody watches: people answer over REST, days later as far as the run knows. */
  async function withoutSockets(team: TeamId): Promise<string> {
    const { plan_id } = await server.start(team);
    gates.open(plan_id);
    for (const kind of asked[team]) {
      await server.until(plan_id, `pending_${kind}`);
      const body =
        kind === 'approval' ? { m_plan_id: plan_id, approved: true, feedback } : { plan_id, request_id: '', answer };
      const answered = await post(
        `${server.api}/${kind === 'approval' ? 'plan_approval' : 'user_clarification'}`,
        body,
      );
      expect(await answered.json()).toMatchObject({ status: 'processing' });
    }
    return plan_id;
  }

  async function withForkClients(team: TeamId): Promise<string> {
    const { plan_id } = await server.start(team);
    const clients = [await ForkClient.connect(server.url, plan_id), await ForkClient.connect(server.url, plan_id)];
    const [client, gone] = clients as [ForkClient, ForkClient];
    gates.open(plan_id);
    gone.ws.terminate();
    for (const kind of asked[team]) {
      if (kind === 'approval') {
        await client.first('plan_approval_request');
        await client.approve(true, feedback);
      } else await client.clarify((await client.payload('user_clarification_request')).request_id, answer);
    }
    await client.first('final_result_message');
    await client.close();
    return plan_id;
  }

  /** Every frame is posted back, some after a reload once more, the last one altered. */
  async function withTheWebApp(team: TeamId): Promise<string> {
    const app = new WebApp(server.url);
    await app.start(team);
    await app.reload();
    gates.open(app.planId);
    for (const kind of asked[team]) {
      await app.asked(kind === 'approval' ? 'plan_approval_request' : 'user_clarification_request');
      await app.reload();
      await app.asked(kind === 'approval' ? 'plan_approval_request' : 'user_clarification_request');
      if (kind === 'approval') await app.approve(true, feedback);
      else await app.clarify(answer);
    }
    await app.finished();
    await app.reload();
    return app.planId;
  }

  const manners = { absent: withoutSockets, present: withForkClients, echoing: withTheWebApp };

  it.each(Object.keys(asked) as TeamId[])('with sockets absent, present, and echoing: %s', async (team) => {
    const kept: Record<string, unknown> = {};
    for (const [manner, run] of Object.entries(manners)) {
      const planId = await run(team);
      const { messages } = await server.until(planId, 'completed');
      kept[manner] = messages.map((row: Json) => withoutNames(row, planId));
      expect(new Set(messages.map(({ message_id }: Json) => message_id)).size).toBe(messages.length);
      expect(messages.map(({ sequence }: Json) => sequence)).toEqual(
        messages.map((_: Json, index: number) => index + 1),
      );
    }
    expect(kept['present']).toEqual(kept['absent']);
    expect(kept['echoing']).toEqual(kept['absent']);
    const types = (kept['absent'] as Json[]).map(({ type }) => type);
    expect(types.filter((type) => type.endsWith('_request'))).toHaveLength(asked[team].length);
    expect(types.filter((type) => type.endsWith('_response'))).toHaveLength(asked[team].length);
    expect(types.length).toBeGreaterThan(3);
  });
});

/** Without ids and times, which differ from plan to plan. */
function withoutNames({ message_id: _, timestamp: __, ...row }: Json, planId: string): Json {
  const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/g;
  return JSON.parse(JSON.stringify(row).replaceAll(planId, 'the plan').replaceAll(ids, 'an id'));
}
