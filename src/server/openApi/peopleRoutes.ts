import { z } from 'zod';
import { answerSchema } from '../peopleApi.ts';
import { codedSchema, detailSchema } from './answers.ts';
import { type DescribedRoute, refused } from './describedRoute.ts';
import { principal } from './principal.ts';

const group = 'People decide';

/** What people say to runs. In the document as soon as the calls are mounted. */
export const peopleRoutes: readonly DescribedRoute[] = [
  {
    id: 'answerRun',
    group,
    method: 'post',
    path: '/api/v1/plans/:plan_id/answer',
    summary: 'Answer what a run asks',
    description:
      '`approved`, `text`, or both. Without `request_id` whatever is asked now is answered; with `approved` only an ' +
      'approval, so that one sent twice does not answer the question behind it. To an approval, `text` alone approves ' +
      'if it is `yes`, `ok`, `approve` or `approved`, and rejects if it is `no`, `reject` or `rejected`; with any other ' +
      'text the plan of a team is begun, and a graph that asks is told that it is not approved. The first answer counts.',
    parameters: [principal],
    body: { schema: answerSchema, example: { approved: true, text: 'But take the earlier train.' } },
    answers: {
      200: {
        description: 'The run goes on with it',
        schema: z.object({
          plan_id: z.string(),
          request_id: z.string(),
          kind: z.enum(['approval', 'clarification']),
          approved: z.boolean().describe('Of an approval. Of a clarification it means nothing'),
        }),
      },
      ...refused(400, 413, 422, 503),
      404: { description: 'There is no such plan, or it is no run of a team', schema: codedSchema.or(detailSchema) },
      409: { description: 'It was answered before, nothing is asked, or the run is over', schema: codedSchema },
    },
  },
  {
    id: 'cancelRun',
    group,
    method: 'post',
    path: '/api/v1/plans/:plan_id/cancel',
    summary: 'End a run, wherever it is worked on',
    description: 'Its messages stay.',
    answers: {
      200: {
        description: 'It is over, or will be within moments',
        schema: z.object({ plan_id: z.string(), status: z.literal('canceled') }),
      },
      ...refused(400, 503),
      404: { description: 'There is no such plan, or it is no run of a team', schema: codedSchema.or(detailSchema) },
      409: { description: 'It was over before', schema: codedSchema },
    },
  },
];
