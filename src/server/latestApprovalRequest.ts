import type { StoredMessage } from '../protocol/message.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import type { Plan } from '../protocol/plan.ts';
import { proposedPlan } from '../protocol/v3MessageMembers.ts';
import { overallStatusOf } from './v3Plan.ts';

const typeOfRequest = Buffer.from('","type":"plan_approval_request","agent_name":');
/** What follows it: the agent's name, then the message's id. Each has at most 256 characters, which escapes make longer. */
const nameAndId = /^"(?:[^"\\]|\\.)*","message_id":("(?:[^"\\]|\\.)*")/;
const maxNameAndId = 4 * 1024;
/** Metadata may hold the same text; so many places that look like a request are kept, the newest. */
const maxPlaces = 16;

/**
 * Finds the newest message that asks for approval among the rows of a plan while they pass as bytes. They are searched,
 * not parsed: what is found is a place that looks like such a message, and whether it is one its message says.
 */
export class LatestApprovalRequest {
  #messageIds: string[] = [];

  /** The next rows, each of them whole. */
  follow(rows: Uint8Array): void {
    const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let at = bytes.indexOf(typeOfRequest); at >= 0; at = bytes.indexOf(typeOfRequest, at + 1)) {
      const start = at + typeOfRequest.length;
      const [, messageId] = nameAndId.exec(bytes.toString('utf8', start, start + maxNameAndId)) ?? [];
      if (messageId !== undefined) this.#messageIds.push(JSON.parse(messageId) as string);
      if (this.#messageIds.length > maxPlaces) this.#messageIds.shift();
    }
  }

  /** What it asks to approve, as the `m_plan` of `GET /plan`; null if there is none. */
  async mPlan(
    plan: Plan,
    find: (messageId: string) => Promise<StoredMessage | undefined>,
  ): Promise<Record<string, unknown> | null> {
    for (const messageId of this.#messageIds.toReversed()) {
      const found = await find(messageId);
      const body = found && parseMessageBytes(found.body);
      if (body?.type !== 'plan_approval_request') continue;
      return {
        ...proposedPlan(body),
        user_id: plan.userId,
        team_id: plan.teamId,
        plan_id: plan.planId,
        overall_status: overallStatusOf(plan.status),
      };
    }
    return null;
  }
}
