import type { z } from 'zod';
import { detailSchema } from './answers.ts';

/** A call of /api/v1, described. What it takes is given by the very schemas that the server checks requests with. */
export interface DescribedRoute {
  /** In the document, unique: generated clients name their functions by it. */
  readonly id: string;
  readonly group: string;
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** As it is mounted: `/api/v1/plans/:plan_id`. What stands in it is an id. */
  readonly path: `/api/v1/${string}`;
  readonly summary: string;
  /** Sentences; `code` between backquotes, paragraphs apart by an empty line. */
  readonly description?: string;
  /** In the query, or in headers. */
  readonly parameters?: readonly DescribedParameter[];
  readonly body?: DescribedBody;
  /** By status. Those that any call may give (403, 405, 406, 500) need not be named. */
  readonly answers: Readonly<Record<number, DescribedAnswer>>;
}

export interface DescribedBody {
  readonly schema: z.ZodType;
  readonly example: unknown;
}

export interface DescribedParameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly description: string;
  readonly schema: z.ZodType;
}

export interface DescribedAnswer {
  readonly description: string;
  /** Of its body. Absent: it has none, or one that is no JSON. */
  readonly schema?: z.ZodType;
  /** Default `application/json`. */
  readonly mediaType?: string;
  /** It comes with `Retry-After`, in seconds. */
  readonly retryAfter?: boolean;
}

const refusals = {
  400: { description: 'An id, a cursor or a parameter is not valid, or the body is not JSON' },
  404: { description: 'There is no such plan' },
  413: { description: 'The body, or the message, is too large' },
  422: { description: 'The body is not of the shape; `detail` names each place that is wrong' },
  429: { description: 'The user has too many connections' },
  503: {
    description: 'The database is away. Nothing was done, or that is unknown: send the same again',
    retryAfter: true,
  },
} as const satisfies Record<number, DescribedAnswer>;

/** The answers `{"detail": …}` of a call, by their usual reasons. */
export function refused(...statuses: (keyof typeof refusals)[]): Record<number, DescribedAnswer> {
  return Object.fromEntries(statuses.map((status) => [status, { ...refusals[status], schema: detailSchema }]));
}
