import { DurableStream, IdempotentProducer } from '@durable-streams/client';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { startServerProcess } from '../serverProcess.ts';

/**
 * Its server in a process of its own, file-backed; its client here, over HTTP. A stream of JSON a plan, made before.
 * One message by `append`, several by the producer that its page recommends for many writes.
 */
export const adapter: Adapter = {
  async open({ directory }, planIds) {
    const server = await startServerProcess('durableStreams', directory);
    const streams = new Map<string, { stream: DurableStream; producer: IdempotentProducer }>();
    let failed: Error | undefined;
    for (const planId of planIds) {
      const url = `${server.url}/plans/${planId}`;
      const stream = await DurableStream.create({ url, contentType: 'application/json' });
      const producer = new IdempotentProducer(stream, 'agent', {
        onError: (error) => {
          failed = error;
        },
      });
      streams.set(planId, { stream, producer });
    }
    const streamOf = ({ planId }: NewMessage) =>
      streams.get(planId) as { stream: DurableStream; producer: IdempotentProducer };
    return {
      async save(message) {
        await streamOf(message).stream.append(JSON.stringify(message));
      },
      async saveAll(messages) {
        const { producer } = streamOf(messages[0] as NewMessage);
        for (const message of messages) producer.append(JSON.stringify(message));
        await producer.flush();
        if (failed !== undefined) throw failed;
      },
      async stored() {
        let count = 0;
        for (const { stream } of streams.values()) {
          const response = await stream.stream({ live: false });
          count += (await response.json()).length;
        }
        return count;
      },
      servedElsewhere: true,
      close: () => server.close(),
    };
  },
};
