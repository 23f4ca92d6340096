import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import type { Store } from '../../src/store/store.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { LiveTestClient } from './liveTestClient.ts';
import { served } from './served.ts';

export interface ReconnectsOptions {
  /** Writes; another instance than the one that serves. */
  readonly writer: Store;
  readonly serving: Store;
  readonly reconnects: number;
  readonly seed: number;
  /** How long clients may take in the end, in ms; what is missing then is told. */
  readonly patienceMs?: number;
}

/**
 * Clients of real sockets whose connections break at random moments, in the middle of what they are sent, while another
 * instance writes and edits. Answers what any of them was told that it must not be, or holds otherwise than the log.
 */
export async function reconnectWhileWriting(options: ReconnectsOptions): Promise<string[]> {
  const { writer, serving, reconnects, seed, patienceMs = 20_000 } = options;
  const random = new SeededRandom(seed);
  const server = await served(serving);
  const ids: { readonly messageId: string; version: number }[] = [];
  const clients = await Promise.all([1, 2, 3, 4].map((number) => LiveTestClient.open(server, `client ${number}`)));
  for (const client of clients) client.subscribe('p');
  for (let done = 0; done < reconnects; done++) {
    await write(writer, ids, random);
    const client = random.pick(clients);
    if (random.below(2) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(10)));
    await client.comeBack('p');
  }
  await write(writer, ids, random);
  const { messages } = await readAll(writer);
  const log = messages.map((message) => {
    const { sequence, version, content } = toAgentMessage(message);
    return { sequence, version, text: content };
  });
  const isWhole = () => clients.every((client) => client.view('p').compare(log).length === 0);
  for (const end = performance.now() + patienceMs; !isWhole() && performance.now() < end; ) await pause();
  return clients.flatMap((client, index) =>
    client
      .view('p')
      .compare(log)
      .map((what) => `client ${index + 1}: ${what}`),
  );
}

async function write(writer: Store, ids: { messageId: string; version: number }[], random: SeededRandom) {
  const count = 1 + random.below(random.below(8) === 0 ? 300 : 12);
  const batch = Array.from({ length: count }, (_, index) => {
    const messageId = `m${ids.length + index + 1}`;
    return message(messageId, `${messageId} v1 ${'x'.repeat(random.below(3_000))}`);
  });
  await writer.log.append(batch);
  ids.push(...batch.map(({ messageId }) => ({ messageId, version: 1 })));
  for (let edits = random.below(3); edits > 0; edits--) {
    const one = random.pick(ids);
    await writer.log.update(message(one.messageId, `${one.messageId} v${one.version + 1}`), one.version);
    one.version++;
  }
}

function message(messageId: string, content: string) {
  return prepareMessage({ planId: 'p', agentName: 'writer', messageId, content }, { now: () => 0 });
}

async function readAll({ log }: Store) {
  const messages = [];
  for (let position = { sequence: 0, revision: 0 }, more = true; more; ) {
    const page = await log.read('p', position, 1_000);
    messages.push(...page.messages);
    position = { sequence: page.position.sequence, revision: 0 };
    more = page.messages.length > 0;
  }
  return { messages };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
