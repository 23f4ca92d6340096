import { z } from 'zod';
import type { DescribedRoute } from './describedRoute.ts';

const group = 'This description';

/** The description itself. */
export const selfRoutes: readonly DescribedRoute[] = [
  {
    id: 'describe',
    group,
    method: 'get',
    path: '/api/v1/openapi.json',
    summary: 'This API in OpenAPI 3.1',
    answers: { 200: { description: 'The document', schema: z.record(z.string(), z.unknown()) } },
  },
  {
    id: 'describeForPeople',
    group,
    method: 'get',
    path: '/api/v1/docs',
    summary: 'The same as a page',
    answers: { 200: { description: 'The page', mediaType: 'text/html', schema: z.string() } },
  },
];
