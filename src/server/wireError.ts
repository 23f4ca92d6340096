import { z } from 'zod';
import { type ErrorCode, errorTable, IndelibleError } from '../protocol/errors.ts';

/** An error as callers of /api/v1 are told it, beside the text in `detail`: by its code a program can decide. */
export const wireErrorSchema = z
  .object({
    code: z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    field: z.string().optional().meta({ description: 'The member that is wrong' }),
    remedy: z.string().meta({ description: 'What can be done about it' }),
  })
  .meta({ id: 'Error', description: 'An error; docs/errors.md has all codes' });

export type WireError = z.infer<typeof wireErrorSchema>;

/** Of the caller's own mistakes, all of it; of ours, what the table says. */
export function wireError(error: IndelibleError): WireError {
  const { code, field, remedy, status } = error;
  const message = status < 500 ? inWireWords(error).message : new IndelibleError(code).message;
  return { code, message, ...(field !== undefined && { field: wireName(field) }), remedy };
}

/** What is wrong with a message, in the spelling of the wire: `agent_name is empty`. */
export function inWireWords({ field = '', message }: IndelibleError): {
  readonly field: string;
  readonly message: string;
} {
  const spelled = wireName(field);
  const says = field !== '' && message.startsWith(field) ? spelled + message.slice(field.length) : message;
  return { field: spelled, message: says };
}

const wireNames: Readonly<Record<string, string>> = {
  planId: 'plan_id',
  messageId: 'message_id',
  agentName: 'agent_name',
  agentType: 'agent_type',
  expectedVersion: 'version',
};

/** The name of a message's field as it stands on the wire. */
function wireName(field: string): string {
  return wireNames[field] ?? field;
}
