import { type PreparedMessage, prepareMessage } from '../../src/protocol/message.ts';

export const noon = Date.UTC(2026, 10, 25, 12);

/** Message `number`, the same each time: of one of five plans, with a body of some length. */
export function spooledMessage(number: number): PreparedMessage {
  const content = `${number} é🙂 ${'x'.repeat((number * 37) % 900)}`;
  const plan = `plan-${number % 5}`;
  return prepareMessage(
    { planId: plan, messageId: `m-${number}`, agentName: 'Agent', content, timestamp: new Date(noon) },
    { now: () => noon },
  );
}

export function spooledMessages(from: number, to: number): PreparedMessage[] {
  return Array.from({ length: to - from + 1 }, (_, index) => spooledMessage(from + index));
}
