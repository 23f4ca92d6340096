import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { getJson, type Json, post } from './http.ts';
import { RawWebSocket } from './rawWebSocket.ts';
import { gate, sayingTeam, type TestServer, team, testServer } from './testServer.ts';
import { socketUrl, WatchingClient, watch } from './watchingClient.ts';

const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

async function start(server: TestServer): Promise<string> {
  const response = await post(`${server.api}/process_request`, { description: 'Say something' });
  return ((await response.json()) as Json).plan_id;
}

describe('a run that is watched', () => {
  it('a client that reads frames one level down and one that reads them two levels down both see every message of a run; connection_established is first; GET lists the same messages in the same order with the same values', async () => {
    const clientsAreThere = gate();
    const { run } = sayingTeam(40);
    const server = await testServer({
      teams: [team(async (context) => clientsAreThere.opened.then(async () => (await run(context)).content))],
    });
    const planId = await start(server);
    const one = await watch(server, planId);
    const other = await watch(server, planId);
    clientsAreThere.open();
    const messageTypes = ['agent_message', 'final_result_message'];
    const oneLevelDown: Json[] = [];
    const twoLevelsDown: Json[] = [];
    for (const [client, seen, payload] of [
      [one, oneLevelDown, (frame: Json) => frame.data],
      [other, twoLevelsDown, (frame: Json) => frame.data.data],
    ] as const) {
      await client.until(({ frames }) => frames.at(-1)?.type === 'final_result_message');
      expect(client.frames[0].type).toBe('connection_established');
      seen.push(...client.frames.filter(({ type }) => messageTypes.includes(type)).map(payload));
    }
    const { messages } = await getJson(`${server.api}/plan?plan_id=${planId}`);
    expect(messages.map(({ sequence }: Json) => sequence)).toEqual(upTo(41));
    for (const seen of [oneLevelDown, twoLevelsDown]) {
      // A frame's payload is the row, character for character; only at one level down it holds the other level, too.
      const rows = seen.map(({ data: _data, status, ...row }) => {
        expect(status).toBe(row.type === 'final_result_message' ? 'completed' : undefined);
        return row;
      });
      expect(rows.map((row) => JSON.stringify(row))).toEqual(messages.map((row: Json) => JSON.stringify(row)));
    }
  });

  it('has its final result as its last frame', async () => {
    const server = await testServer({ teams: [sayingTeam(5)] });
    const planId = await start(server);
    const client = await watch(server, planId);
    await server.happened('run_completed');
    await client.settled();
    const types = client.frames.map(({ type }) => type).filter((type) => type !== 'pong');
    expect(types.at(-1)).toBe('final_result_message');
    expect(types.filter((type) => type === 'final_result_message')).toHaveLength(1);
  });
});

describe('the first frame', () => {
  it('is flat, comes once, and is what the contract says', async () => {
    const server = await testServer();
    const client = await watch(server, 'p', 'ann');
    await client.settled();
    expect(client.ofType('connection_established')).toEqual([client.frames[0]]);
    expect(client.frames[0]).toEqual({
      type: 'connection_established',
      data: {
        plan_id: 'p',
        user_id: 'ann',
        status: 'connected',
        server_time: time,
        connection_count: 1,
        capabilities: {
          progress_tracking: true,
          message_history: true,
          error_recovery: true,
          heartbeat: true,
          message_queuing: true,
        },
      },
      timestamp: time,
      message_id: expect.any(String),
      correlation_id: null,
      priority: 0,
    });
  });

  it('counts the sockets of the plan, and knows a user who was there before', async () => {
    const server = await testServer();
    const ann = await watch(server, 'p', 'ann');
    const bob = await watch(server, 'p', 'bob');
    const elsewhere = await watch(server, 'q', 'ann');
    expect([bob.frames[0].data.connection_count, elsewhere.frames[0].data.connection_count]).toEqual([2, 1]);
    await ann.close();
    await server.happened('socket_closed');
    const again = await watch(server, 'p', 'ann');
    expect([again.frames[0].data.status, again.frames[0].data.connection_count]).toEqual(['reconnected', 2]);
    expect(elsewhere.frames[0].data.status).toBe('connected');
  });

  it('without a user id is for nobody', async () => {
    const server = await testServer();
    for (const query of ['', '?user_id=']) {
      const client = new WatchingClient(`ws://127.0.0.1:${server.port}/api/v3/socket/p${query}`);
      await client.until(({ frames }) => frames.length > 0);
      expect(client.frames[0].data.user_id).toBe('00000000-0000-0000-0000-000000000000');
    }
  });
});

describe('what a client is shown when it comes', () => {
  it('is what was written between the POST and its socket', async () => {
    const server = await testServer({ teams: [sayingTeam(7)] });
    const planId = await start(server);
    await server.happened('run_completed');
    await getJson(`${server.api}/plan?plan_id=${planId}`);
    const client = await watch(server, planId);
    await client.until(({ sequences }) => sequences.length === 8);
    expect(client.sequences).toEqual(upTo(8));
  });

  it('is the newest 50 of what nobody saw', async () => {
    const server = await testServer();
    await server.save('p', 1, 70);
    const client = await watch(server, 'p');
    await client.settled();
    expect(client.sequences).toEqual(upTo(70, 21));
  });

  it('is the newest 10 while somebody else is there', async () => {
    const server = await testServer();
    await server.save('p', 1, 30);
    await watch(server, 'p');
    const client = await watch(server, 'p');
    await client.settled();
    expect(client.sequences).toEqual(upTo(30, 21));
  });

  it('is what was written while nobody was there, and the newest 10 if nothing was', async () => {
    const server = await testServer();
    let visits = 0;
    const visit = async () => {
      const client = await watch(server, 'p');
      await client.settled();
      await client.close();
      await server.happened('socket_closed', ++visits);
      return client.sequences;
    };
    await server.save('p', 1, 30);
    expect(await visit()).toEqual(upTo(30));
    await server.save('p', 31, 33);
    expect(await visit()).toEqual(upTo(33, 31));
    expect(await visit()).toEqual(upTo(33, 24));
    await server.save('p', 34, 93);
    expect(await visit()).toEqual(upTo(93, 44));
  });

  it('is, after a connection that broke, what it may have missed: all since it last answered a ping', async () => {
    const server = await testServer();
    const client = await watch(server, 'p');
    await server.save('p', 1, 20);
    await client.until(({ sequences }) => sequences.length === 20);
    client.ws.terminate();
    await server.happened('socket_closed');
    const again = await watch(server, 'p');
    await again.settled();
    expect(again.sequences).toEqual(upTo(20));
  });

  it('is what was written after it said goodbye, also before the connection was taken down', async () => {
    const server = await testServer({ limits: { closeTimeoutMs: 3_600_000 } });
    const leaving = await RawWebSocket.open(server.port, 'p');
    leaving.tcp.pause();
    leaving.send({ opcode: 8, payload: Buffer.from([0x03, 0xe8]) });
    const save = () => server.indelible.persistMessage({ planId: 'p', agentName: 'a', content: 'x' }, server.sockets);
    let result = await save();
    while (result.websocketSent) result = await save();
    await save();
    leaving.tcp.destroy();
    await server.happened('socket_closed');
    const unsent = result.message!.sequence;
    const again = await watch(server, 'p');
    await again.settled();
    expect(again.sequences).toEqual([unsent, unsent + 1]);
  });

  it('is nothing of a plan that is not there yet, and then what is written to it', async () => {
    const server = await testServer();
    const client = await watch(server, 'not yet');
    await client.settled();
    expect(client.sequences).toEqual([]);
    await server.save('not yet', 1, 3);
    await client.until(({ sequences }) => sequences.length === 3);
    expect(client.sequences).toEqual(upTo(3));
  });

  it('is the progress of the run as it is now, behind the messages and before what is live', async () => {
    const progressed = gate();
    const going = gate();
    const working = team(async ({ say, progress }) => {
      progress({ currentStep: 1, totalSteps: 3, agentName: 'Scribe', description: 'one' });
      await say({ agentName: 'Scribe', content: 'one' });
      progress({ currentStep: 2, totalSteps: 3, agentName: 'Scribe', description: 'two' });
      progressed.open();
      await going.opened;
      progress({ currentStep: 3, totalSteps: 3, agentName: 'Scribe', description: 'three' });
      return 'done';
    });
    const server = await testServer({ teams: [working] });
    const planId = await start(server);
    await progressed.opened;
    const client = await watch(server, planId);
    await client.until((seen) => seen.ofType('progress_update').length === 1);
    going.open();
    await client.until((seen) => seen.ofType('final_result_message').length === 1);
    const shown = client.frames.map(({ type, data }) => (type === 'progress_update' ? data.data.current_step : type));
    expect(shown).toEqual([
      'connection_established',
      'agent_message',
      2,
      3,
      'workflow_completed',
      'final_result_message',
    ]);
    const late = await watch(server, planId);
    await late.settled();
    expect(late.ofType('progress_update')).toEqual([]);
  });

  it('has no gap and no repeat where it meets what is being written', async () => {
    const server = await testServer({ limits: { socketsPerPlan: 40 } });
    const count = 400;
    const writing = server.save('p', 1, count);
    const clients: WatchingClient[] = [];
    for (let place = 0; place < 30; place++) {
      clients.push(await watch(server, 'p'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    for (const client of clients) {
      await client.until(({ sequences }) => sequences.at(-1) === count);
      expect(client.sequences).toEqual(upTo(count, client.sequences[0]));
    }
  });
});

describe('a message that is updated', () => {
  it('is not sent again: this protocol has no frame for it; GET and whoever comes later get what it says now', async () => {
    const server = await testServer();
    const client = await watch(server, 'p');
    await server.save('p', 1, 1);
    const [row] = (await getJson(`${server.api}/plan?plan_id=p`)).messages;
    const change = { expectedVersion: 1, content: 'changed' };
    const { status } = await server.indelible.persistence.updateMessage('p', row.message_id, change);
    expect(status).toBe('updated');
    await server.save('p', 2, 2);
    await client.until(({ sequences }) => sequences.length === 2);
    expect(client.rows.map(({ content }) => content)).toEqual(['message 1', 'message 2']);
    const late = await watch(server, 'p');
    await late.settled();
    const now = [
      ['changed', 2],
      ['message 2', 1],
    ];
    expect(late.rows.map(({ content, version }) => [content, version])).toEqual(now);
    const { messages } = await getJson(`${server.api}/plan?plan_id=p`);
    expect(messages.map(({ content, version }: Json) => [content, version])).toEqual(now);
  });
});

describe('a database that was replaced by an older one', () => {
  it('closes the sockets of its plans, and whoever comes again is shown what it holds now', async () => {
    const server = await testServer();
    const client = await watch(server, 'p');
    await server.save('p', 1, 20);
    await client.until(({ sequences }) => sequences.length === 20);
    const other = new DatabaseSync(server.store.description.slice('sqlite:'.length));
    other.exec('DELETE FROM messages WHERE sequence > 15; UPDATE heads SET sequence = 15');
    other.close();
    expect(await client.closed).toBe(1012);
    await server.happened('socket_closed');
    const again = await watch(server, 'p');
    await again.settled();
    expect(again.sequences).toEqual(upTo(15));
  });
});

describe('what is only live', () => {
  it('comes in its order among the messages, at both levels', async () => {
    const server = await testServer();
    const client = await watch(server, 'p');
    const { live } = server.indelible;
    live.streamStarted('p', 's', 'Scribe');
    live.streamDelta('p', 's', 'Scribe', 'Hel');
    live.streamDelta('p', 's', 'Scribe', 'lo');
    live.streamEnded('p', 's', 'Scribe', 'Hello');
    await server.save('p', 1, 1, () => 'Hello');
    await client.until(({ sequences }) => sequences.length === 1);
    expect(
      client.frames.slice(1).map(({ type, priority, data }) => [type, priority, data.content, data.data.content]),
    ).toEqual([
      ['agent_stream_start', 1, '', ''],
      ['agent_message_streaming', 2, 'Hel', 'Hel'],
      ['agent_message_streaming', 2, 'lo', 'lo'],
      ['agent_stream_end', 2, 'Hello', 'Hello'],
      ['agent_message', 0, 'Hello', 'Hello'],
    ]);
    expect(client.frames[1].data).toMatchObject({
      plan_id: 'p',
      agent_name: 'Scribe',
      timestamp: time,
      status: 'streaming_started',
    });
  });
});

describe('a client that asks', () => {
  it('gets a bare pong to its ping', async () => {
    const client = await watch(await testServer(), 'p');
    expect(await client.ask({ type: 'ping' }, 'pong')).toEqual({ type: 'pong', timestamp: time, server_time: time });
  });

  it('gets connection_status to connection_check', async () => {
    const client = await watch(await testServer(), 'p', 'ann');
    const frame = await client.ask({ type: 'connection_check' }, 'connection_status');
    expect(frame.data).toMatchObject({ plan_id: 'p', user_id: 'ann', status: 'connected', connection_count: 1 });
    expect(frame.data.data).toMatchObject({ status: 'connected', connection_count: 1 });
  });

  it('may answer pong to a ping frame, and is told nothing', async () => {
    const client = await watch(await testServer(), 'p');
    client.send({ type: 'pong' });
    await client.settled();
    expect(client.frames.map(({ type }) => type)).toEqual(['connection_established', 'pong']);
  });
});

describe('the WebSocketManager', () => {
  it('says how many sockets have been sent a message, and sends none twice', async () => {
    const server = await testServer();
    expect(server.sockets.connections('p')).toBe(0);
    const clients = [await watch(server, 'p'), await watch(server, 'p')];
    await watch(server, 'q');
    expect(server.sockets.connections('p')).toBe(2);
    const result = await server.indelible.persistMessage({ planId: 'p', agentName: 'a', content: 'x' }, server.sockets);
    expect(result).toMatchObject({ databaseSaved: true, websocketSent: true, errors: [] });
    const { messages } = await server.store.log.read('p', { sequence: 0, revision: 0 }, 1);
    expect(server.sockets.broadcast(messages[0]!)).toBe(2);
    for (const client of clients) {
      await client.settled();
      expect(client.sequences).toEqual([1]);
    }
    const unseen = await server.indelible.persistMessage({ planId: 'r', agentName: 'a', content: 'x' }, server.sockets);
    expect(unseen).toMatchObject({ databaseSaved: true, websocketSent: false, errors: [] });
  });

  it('closes all sockets with the code it is given, and then there are none', async () => {
    const server = await testServer();
    const clients = [await watch(server, 'p'), await watch(server, 'q')];
    await server.sockets.closeAll(1001);
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([1001, 1001]);
    expect([server.sockets.connections('p'), server.sockets.connections('q')]).toEqual([0, 0]);
  });
});

describe('the limits', () => {
  const refused = (client: WatchingClient) => client.frames.map(({ type, data }) => [type, data?.data?.error_type]);

  it('are 5 sockets a plan: the sixth is told so and closed with 1008, and there is room again when one leaves', async () => {
    const server = await testServer();
    const clients = await Promise.all(upTo(5).map(() => watch(server, 'p')));
    const sixth = new WatchingClient(socketUrl(server, 'p'));
    expect(await sixth.closed).toBe(1008);
    expect(refused(sixth)).toEqual([['connection_error', 'too_many_connections']]);
    await server.save('p', 1, 1);
    for (const client of clients) await client.until(({ sequences }) => sequences.length === 1);
    await clients[0]!.close();
    await server.happened('socket_closed');
    expect((await watch(server, 'p')).frames[0].type).toBe('connection_established');
  });

  it('are 10 sockets a user, over all plans', async () => {
    const server = await testServer();
    const [first] = await Promise.all(upTo(10).map((place) => watch(server, `plan ${place}`, 'ann')));
    const eleventh = new WatchingClient(socketUrl(server, 'another', 'ann'));
    expect(await eleventh.closed).toBe(1008);
    expect(refused(eleventh)).toEqual([['connection_error', 'too_many_connections']]);
    expect((await watch(server, 'another', 'bob')).frames[0].type).toBe('connection_established');
    await first!.close();
    await server.happened('socket_closed');
    expect((await watch(server, 'another', 'ann')).frames[0].type).toBe('connection_established');
    expect(await new WatchingClient(socketUrl(server, 'another', 'ann')).closed).toBe(1008);
  });

  it('tell observers what opens and closes', async () => {
    const server = await testServer();
    const client = await watch(server, 'p', 'ann');
    await client.close(1000);
    await server.happened('socket_closed');
    expect(server.events.filter(({ type }) => type.startsWith('socket'))).toEqual([
      { type: 'socket_opened', planId: 'p', userId: 'ann' },
      { type: 'socket_closed', planId: 'p', userId: 'ann', code: 1000 },
    ]);
  });
});
