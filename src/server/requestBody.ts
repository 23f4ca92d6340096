import type { z } from 'zod';
import type { Refusal, RequestIssue } from './detail.ts';

/**
 * The body of a request, checked: what it says, or why it is refused: 413 too large, 400 not JSON, 422 not of the
 * shape. Nothing beyond `maxBytes` is kept in memory. The media type is not asked for: clients send all kinds.
 */
export async function readBody<T>(
  request: Request,
  schema: z.ZodType<T>,
  maxBytes: number,
): Promise<{ readonly body: T } | { readonly refusal: Refusal }> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes === undefined) return { refusal: { status: 413, detail: `The body is larger than ${maxBytes} bytes` } };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { refusal: { status: 400, detail: 'The body is not JSON' } };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { body: parsed.data };
  return { refusal: { status: 422, detail: parsed.error.issues.map((issue) => requestIssue(issue, value)) } };
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('content-length')) > maxBytes) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function requestIssue(issue: z.core.$ZodIssue, body: unknown): RequestIssue {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  const loc = ['body', ...path];
  if (path.length > 0 && valueAt(body, path) === undefined) return { loc, msg: 'Field required', type: 'missing' };
  return { loc, msg: issue.message, type: issue.code === 'invalid_type' ? `${issue.expected}_type` : issue.code };
}

function valueAt(body: unknown, path: readonly (string | number)[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
