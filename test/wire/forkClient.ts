import type { Json } from '../server/http.ts';
import { SocketFrames } from './socketFrames.ts';

/**
 * A client written for the previous implementation: it connects, reads every payload two levels down, at `data.data`, and
 * answers over the socket.
 */
export class ForkClient extends SocketFrames {
  static async connect(url: string, planId: string, userId?: string): Promise<ForkClient> {
    const client = new ForkClient(url, planId, userId);
    await client.until(({ frames }) => frames.length > 0);
    return client;
  }

  /** The messages it shows: those with a place in the log. */
  get shown(): Json[] {
    return this.frames.map((frame) => frame.data?.data).filter((payload) => payload?.sequence !== undefined);
  }

  payload(type: string): Promise<Json> {
    return this.first(type).then((frame) => frame.data.data);
  }

  approve(approved: boolean, feedback = ''): Promise<Json> {
    const data = { approved, feedback, m_plan_id: this.frames[0].data.plan_id };
    return this.ask({ type: 'plan_approval_response', data }, 'approval_processed').then((frame) => frame.data.data);
  }

  clarify(requestId: string, answer: string): Promise<Json> {
    const data = { request_id: requestId, answer };
    const asked = this.ask({ type: 'user_clarification_response', data }, 'clarification_processed');
    return asked.then((frame) => frame.data.data);
  }
}
