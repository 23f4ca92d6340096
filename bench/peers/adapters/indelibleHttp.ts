import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';
import { startServerProcess } from '../serverProcess.ts';

/** `POST /api/v1/plans/{plan_id}/messages` of a server in a process of its own, by fetch. */
export const adapter: Adapter = {
  async open({ url }) {
    const server = await startServerProcess('indelible', url);
    const post = async (planId: string, body: object) => {
      const response = await fetch(`${server.url}/api/v1/plans/${planId}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer = await response.text();
      if (response.status !== 200) throw new Error(`${response.status}: ${answer}`);
    };
    return {
      save: (message) => post(message.planId, toWire(message)),
      saveAll: (messages) => post(messages[0]?.planId as string, { messages: messages.map(toWire) }),
      stored: () => countRows(url, 'SELECT count(*) FROM indelible.messages'),
      servedElsewhere: true,
      close: () => server.close(),
    };
  },
};

function toWire({ agentName, content, metadata }: NewMessage) {
  return { agent_name: agentName, content, metadata };
}
