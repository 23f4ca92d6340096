import { errorTable, IndelibleError } from '../protocol/errors.ts';

/** One thing that is wrong with a request: where, in words, and as a key. */
export interface RequestIssue {
  /** `['body', 'description']` */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export interface Refusal {
  readonly status: number;
  readonly detail: string | readonly RequestIssue[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is no success: `{"detail": …}`, the one shape all of them have. */
export function detailAnswer({ status, detail, headers }: Refusal): Response {
  return new Response(JSON.stringify({ detail }), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** The same, where there is no response object: before a request was understood, and instead of an upgrade. */
export function detailBytes({ status, detail, headers }: Refusal, reason: string): string {
  const body = JSON.stringify({ detail });
  const lines = Object.entries({
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${body}`;
}

/**
 * What a caller is told of an error. Of the caller's own mistakes, all of it; of ours, what the table says: what a
 * database or a program answered is not a caller's business. 503 says when to come again.
 */
export function refusalOf(error: unknown): Refusal {
  if (!IndelibleError.is(error)) return { status: 500, detail: 'Internal server error' };
  const { status } = error;
  if (status < 500) return { status, detail: error.message };
  const { summary } = errorTable[error.code];
  return { status, detail: summary, ...(status === 503 && { headers: { 'Retry-After': '1' } }) };
}
