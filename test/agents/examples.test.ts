import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Indelible } from '../../src/agents/indelible.ts';
import { LiveTestClient } from '../live/liveTestClient.ts';
import { type TestServer, testServer } from '../server/testServer.ts';

/** Each example's program with its library's fake model, as it is; only its log is the test's, which a server shows. */
const examples = {
  langgraph: () => import('../../examples/langgraph/agent.ts' as string),
  'ai-sdk': () => import('../../examples/ai-sdk/chat.ts' as string),
  'openai-agents': () => import('../../examples/openai-agents/agent.ts' as string),
};
const said = {
  langgraph: 'Take the flight at 17:45: it is the cheaper one.',
  'ai-sdk': 'Take the flight at 17:45: it is the cheaper one.',
  'openai-agents': 'Take the flight at 17:45: it is the cheaper one.',
};

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});

describe.each(['langgraph', 'ai-sdk', 'openai-agents'] as const)('the example of %s', (name) => {
  it('stores the same messages without a watcher, with one, and with one that reloads in the middle of the answer', async () => {
    const alone = await performed(name, async () => undefined);
    expect(alone.stored.map(({ content }) => content)).toContain(said[name]);

    const watched = await performed(name, async (server, planId) => {
      const client = await LiveTestClient.open(server);
      await client.subscribed(planId);
      return client;
    });
    expect(watched.stored).toEqual(alone.stored);
    expect(await shown(watched.client, watched)).toEqual(alone.stored.map(({ content }) => content));

    const reloaded = await performed(
      name,
      async (server, planId) => {
        const client = await LiveTestClient.open(server);
        await client.subscribed(planId);
        return client;
      },
      // The page that watched is gone without a word, another one is loaded, and only then the answer goes on.
      async (server, planId, before) => {
        before?.ws.terminate();
        const after = await LiveTestClient.open(server);
        await after.subscribed(planId);
        return after;
      },
    );
    expect(reloaded.stored).toEqual(alone.stored);
    expect(reloaded.isReloaded).toBe(true);
    expect(await shown(reloaded.client, reloaded)).toEqual(alone.stored.map(({ content }) => content));
  }, 60_000);
});

type Watch = (server: TestServer, planId: string) => Promise<LiveTestClient | undefined>;
type Reload = (server: TestServer, planId: string, before: LiveTestClient | undefined) => Promise<LiveTestClient>;

/** Runs the example; a watcher comes with its first message, another in the middle of the answer, before it is stored. */
async function performed(name: keyof typeof examples, watch: Watch, reload?: Reload) {
  const server = await testServer();
  const { indelible } = server;
  let planId: string | undefined;
  let client: LiveTestClient | undefined;
  let isReloaded = false;
  const save = indelible.save.bind(indelible);
  indelible.save = async (message) => {
    if (planId === undefined) {
      planId = message.planId;
      client = await watch(server, planId);
    }
    if (reload !== undefined && !isReloaded && message.content === said[name] && message.planId === planId) {
      isReloaded = true;
      client = await reload(server, planId, client);
    }
    return await save(message);
  };
  await run(name, indelible);
  const messages = await indelible.persistence.getMessagesForPlan(planId ?? '');
  const stored = messages.map(({ agentName, agentType, type, content, metadata }) => ({
    agentName,
    agentType,
    type,
    content,
    metadata: withoutIds(metadata),
  }));
  return { stored, client, isReloaded, planId: planId ?? '' };
}

async function run(name: keyof typeof examples, indelible: Indelible): Promise<void> {
  vi.resetModules();
  const close = vi.spyOn(indelible, 'close').mockResolvedValue(undefined);
  vi.doMock(`indelible/${name}`, async (importOriginal) => ({
    ...(await importOriginal<object>()),
    openIndelible: async () => indelible,
  }));
  try {
    await examples[name]();
    expect(close).toHaveBeenCalled();
  } finally {
    vi.doUnmock(`indelible/${name}`);
    close.mockRestore();
  }
}

async function shown(client: LiveTestClient | undefined, { planId, stored }: { planId: string; stored: unknown[] }) {
  await client?.until(() => client.sequences(planId).length === stored.length);
  return client?.ofType('message', planId).map(({ message }) => message.content);
}

/** What a run makes anew each time says nothing of what was stored. */
function withoutIds(metadata: unknown): unknown {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return JSON.parse(JSON.stringify(metadata).replace(uuid, 'an id'));
}
