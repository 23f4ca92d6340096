import { z } from 'zod';
import { idSchema } from '../../protocol/message.ts';
import { readSchema } from '../readApi.ts';
import { detailSchema, listedPlanSchema, pageSchema, readPositionSchema } from './answers.ts';
import { type DescribedParameter, type DescribedRoute, refused } from './describedRoute.ts';
import { principal } from './principal.ts';

const group = 'Readers read';

const userId: DescribedParameter = {
  name: 'user_id',
  in: 'query',
  description: 'Who watches. Absent: the header `x-ms-client-principal-id`, or nobody',
  schema: z.string().max(256),
};

const after: DescribedParameter = {
  name: 'after',
  in: 'query',
  description: 'The cursor behind which to read. Absent: from the beginning',
  schema: z.string(),
};

/** How plans are read: from time to time, and live. */
export const readerRoutes: readonly DescribedRoute[] = [
  {
    id: 'listPlans',
    group,
    method: 'get',
    path: '/api/v1/plans',
    summary: 'List plans, and what the caller has not read of each',
    description: 'Newest first. Without a parameter: the newest of all. Plans that are not there are left out.',
    parameters: [
      {
        name: 'plan_id',
        in: 'query',
        description: 'Which plans. Up to 100 times',
        schema: z.array(idSchema).max(100),
      },
      { name: 'session_id', in: 'query', description: 'Only those of this session', schema: z.string() },
      principal,
    ],
    answers: { 200: { description: 'The plans', schema: z.array(listedPlanSchema) }, ...refused(400, 503) },
  },
  {
    id: 'readMessages',
    group,
    method: 'get',
    path: '/api/v1/plans/:plan_id/messages',
    summary: 'Read a page of a plan, for whoever asks from time to time',
    description: 'A plan that nobody knows is empty.',
    parameters: [
      after,
      {
        name: 'limit',
        in: 'query',
        description: 'Of new messages, and of edited ones, at most so many. More than 1,000 is 1,000',
        schema: z.int().min(1).default(250),
      },
    ],
    answers: { 200: { description: 'The page', schema: pageSchema }, ...refused(400, 503) },
  },
  {
    id: 'watchPlan',
    group,
    method: 'get',
    path: '/api/v1/plans/:plan_id/events',
    summary: 'Watch a plan by server-sent events',
    description:
      'What is there, then what comes, in order, once: the frames of `indelible.v1`, which PROTOCOL.md describes. The name ' +
      'of an event is the `type` of its frame, its data the frame, its id the cursor to come back with.',
    parameters: [
      after,
      { name: 'Last-Event-ID', in: 'header', description: 'The same; it wins over `after`', schema: z.string() },
      userId,
    ],
    answers: {
      200: { description: 'The events', mediaType: 'text/event-stream', schema: z.string() },
      ...refused(400, 429, 503),
    },
  },
  {
    id: 'openSocket',
    group,
    method: 'get',
    path: '/api/v1/socket',
    summary: 'Watch any number of plans over one WebSocket',
    description: 'The subprotocol `indelible.v1` must be offered. PROTOCOL.md describes its frames.',
    parameters: [userId],
    answers: {
      101: { description: 'The socket is open' },
      400: { description: 'The subprotocol was not offered', schema: detailSchema },
      426: { description: 'The request asked for no WebSocket', schema: detailSchema },
      ...refused(429),
    },
  },
  {
    id: 'markRead',
    group,
    method: 'put',
    path: '/api/v1/plans/:plan_id/read',
    summary: 'Say how far the caller has read',
    description: 'A position only moves on, and never beyond the last message. It is one user’s: nobody else sees it.',
    parameters: [principal],
    body: { schema: readSchema, example: { sequence: 7 } },
    answers: {
      200: { description: 'How far it is read now', schema: readPositionSchema },
      ...refused(400, 404, 413, 422, 503),
    },
  },
];
