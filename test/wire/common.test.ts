import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, type Json, post } from '../server/http.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { ForkClient } from './forkClient.ts';
import { perform, plainTeam, timestampForm } from './teams.ts';
import { type WireServer, wireServer } from './wireServer.ts';

const origin = 'https://app.example.com';
const nobody = '00000000-0000-0000-0000-000000000000';

describe.each(storesUnderTest)('What /api/v3 has in common, on $name:', (store) => {
  let server: WireServer;
  beforeAll(async () => {
    const failing = plainTeam('failing', async () => Promise.reject(new Error('no')));
    server = await wireServer(store, { teams: [plainTeam('plain', perform), failing], allowedOrigins: [origin] });
  });
  afterAll(() => server?.close());

  it('"JSON in and out under `/api/v3`."', async () => {
    const calls = ['health', 'init_team', 'team_configs', 'teams', 'plans', 'plan?plan_id=none', 'nowhere'];
    for (const call of calls) {
      const response = await fetch(`${server.api}/${call}`);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      await response.json();
    }
  });

  it('"CORS: the header `x-ms-client-principal-id` triggers a preflight; which origins are allowed is configuration."', async () => {
    const preflight = (from: string) =>
      fetch(`${server.api}/process_request`, {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-ms-client-principal-id',
        },
      });
    const allowed = await preflight(origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.headers.get('access-control-allow-methods')).toContain('POST');
    expect(allowed.headers.get('access-control-allow-headers')).toContain('x-ms-client-principal-id');
    const call = await post(
      `${server.api}/process_request`,
      { description: 'x' },
      { origin, 'x-ms-client-principal-id': 'ann' },
    );
    expect([call.status, call.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    const foreign = await preflight('https://evil.example');
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('"Identity: header `x-ms-client-principal-id: <user id>`, all-zero UUID when logged out; `?user_id=` on sockets."', async () => {
    const userOf = async (headers: Record<string, string>) => {
      const started = (await (
        await post(`${server.api}/process_request`, { description: 'x' }, headers)
      ).json()) as Json;
      return (await server.plan(started.plan_id)).plan.user_id;
    };
    expect(await userOf({ 'x-ms-client-principal-id': 'ann' })).toBe('ann');
    expect(await userOf({ 'x-ms-client-principal-id': nobody })).toBe(nobody);
    expect(await userOf({})).toBe(nobody);
    const client = await ForkClient.connect(server.url, 'identity', 'ann');
    expect(client.frames[0].data.user_id).toBe('ann');
    await client.close();
  });

  it('"Errors: `{"detail": "<text>"}`; body validation errors are 422 with `detail: [{loc, msg, type}]`."', async () => {
    const missing = await fetch(`${server.api}/plan?plan_id=none`);
    expect([missing.status, await missing.json()]).toEqual([404, { detail: 'Plan not found' }]);
    for (const [call, body, field] of [
      ['process_request', {}, 'description'],
      ['process_request', { description: 1 }, 'description'],
      ['plan_approval', { approved: true }, 'm_plan_id'],
      ['plan_approval', { m_plan_id: 'm' }, 'approved'],
      ['user_clarification', { plan_id: 7 }, 'plan_id'],
      ['agent_message', { plan_id: 'p', agent: 'a' }, 'content'],
    ] as const) {
      const response = await post(`${server.api}/${call}`, body);
      const issue = { loc: ['body', field], msg: expect.any(String), type: expect.any(String) };
      expect([call, response.status, await response.json()]).toEqual([call, 422, { detail: [issue] }]);
    }
  });

  it('"`session_id` is any string …: never demand a UUID, echo it unchanged."', async () => {
    for (const sessionId of ['sid_1732300000000_4711', '', 'ü/\\"\u0000\ud800', 'x'.repeat(3_000)]) {
      const { plan_id, session_id } = await server.start('plain', { session_id: sessionId });
      expect(session_id).toBe(sessionId);
      expect((await server.plan(plan_id)).plan.session_id).toBe(sessionId);
    }
  });

  it.each(['plain', 'failing'])(
    '"Every timestamp is ISO 8601 UTC ending in `Z`.", in a run of the team %s',
    async (team) => {
      const { plan_id } = await server.start(team);
      const client = await ForkClient.connect(server.url, plan_id);
      await client.first('final_result_message');
      for (const type of ['ping', 'connection_check', 'nonsense']) client.send({ type });
      await client.settled();
      const found = timestampsIn([client.frames, await server.plan(plan_id), await getJson(`${server.api}/teams`)]);
      expect(found.length).toBeGreaterThan(10);
      for (const timestamp of found) expect(timestamp).toMatch(timestampForm);
      await client.close();
    },
  );
});

/** Whatever a member calls a time. */
function timestampsIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    /^(timestamp|server_time|created|.*_at)$/.test(name) ? [inner] : timestampsIn(inner),
  );
}
