import type { StoredMessage } from '../protocol/message.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import type { Plan } from '../protocol/plan.ts';
import { proposedPlan } from '../protocol/v3MessageMembers.ts';
import { RecentIds } from './recentIds.ts';
import { overallStatusOf } from './v3Plan.ts';

const typeOfRequest = Buffer.from('","type":"plan_approval_request","agent_name":');
/** What follows it: the agent's name, then the message's id. Each has at most 256 characters, which escapes make longer. */
const nameAndId = /^"(?:[^"\\]|\\.)*","message_id":("(?:[^"\\]|\\.)*")/;
const maxNameAndId = 4 * 1024;
/** Looked up at the end. Most plans have one or none; metadata that holds copies of messages may name others again. */
const maxNamed = 16;

/**
 * Finds the newest message that asks for approval among the rows of a plan while they pass as bytes. They are searched,
 * not parsed: what looks like such a message gives an id, and the log says what is under it.
 */
export class LatestApprovalRequest {
  readonly #named = new RecentIds(maxNamed);

  /** The next rows, each of them whole. */
  follow(rows: Uint8Array): void {
    const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let at = bytes.indexOf(typeOfRequest); at >= 0; at = bytes.indexOf(typeOfRequest, at + 1)) {
      const start = at + typeOfRequest.length;
      const [, messageId] = nameAndId.exec(bytes.toString('utf8', start, start + maxNameAndId)) ?? [];
      if (messageId !== undefined) this.#named.add(JSON.parse(messageId) as string);
    }
  }

  /** What it asks to approve, as the `m_plan` of `GET /plan`; null if there is none. */
  async mPlan(
    plan: Plan,
    find: (messageId: string) => Promise<StoredMessage | undefined>,
  ): Promise<Record<string, unknown> | null> {
    const found = (await Promise.all([...this.#named.ids].map(find))).filter((message) => message !== undefined);
    const [newest] = found
      .toSorted((one, other) => other.sequence - one.sequence)
      .map(({ body }) => parseMessageBytes(body))
      .filter(({ type }) => type === 'plan_approval_request');
    if (newest === undefined) return null;
    return {
      ...proposedPlan(newest),
      user_id: plan.userId,
      team_id: plan.teamId,
      plan_id: plan.planId,
      overall_status: overallStatusOf(plan.status),
    };
  }
}
