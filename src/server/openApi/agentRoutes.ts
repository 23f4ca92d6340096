import { messageOrBatchSchema } from '../appendedMessages.ts';
import { draftSchema } from '../draftApi.ts';
import { putPlanSchema } from '../putPlan.ts';
import { updateSchema } from '../updateApi.ts';
import {
  appendedSchema,
  detailSchema,
  draftLengthSchema,
  draftRefusedSchema,
  notUpdatedSchema,
  planSchema,
  updatedSchema,
} from './answers.ts';
import { type DescribedRoute, refused } from './describedRoute.ts';
import { principal } from './principal.ts';

const group = 'Agents write';

/** What agents that run elsewhere write, in any language. */
export const agentRoutes: readonly DescribedRoute[] = [
  {
    id: 'appendMessages',
    group,
    method: 'post',
    path: '/api/v1/plans/:plan_id/messages',
    summary: 'Append a message, or a batch of at most 1,000',
    description:
      'The plan need not exist. Give each message an id of your own, made before the first try: sending it again is then ' +
      'safe, and what the first try stored answers `duplicate`. Messages of one request stand in their order; so do those ' +
      'of requests that wait for each other’s answers.\n\n' +
      'A request that is wrong in any place stores nothing. Otherwise each message is answered for, and the status is that ' +
      'of the worst answer.',
    body: {
      schema: messageOrBatchSchema,
      example: { message_id: 'trip-1-7', agent_name: 'Researcher', content: 'The train takes three hours.' },
    },
    answers: {
      200: { description: 'All are in the database', schema: appendedSchema },
      202: {
        description: 'All are in the database, or on the disk of the server and stored when the database is back',
        schema: appendedSchema,
      },
      207: { description: 'Of a batch some are refused for good: `results` says which', schema: appendedSchema },
      400: { description: 'The plan id is not valid, or the body is not JSON', schema: detailSchema },
      409: { description: 'The id is taken by a message with other content', schema: appendedSchema },
      413: {
        description: 'The body is larger than 16 MiB, or the message than 4 MiB',
        schema: appendedSchema.or(detailSchema),
      },
      ...refused(422),
      500: { description: 'The database refuses the message', schema: appendedSchema.or(detailSchema) },
      503: {
        description: 'Some wait in the memory of the server, or were not accepted: send the same again',
        schema: appendedSchema.or(detailSchema),
        retryAfter: true,
      },
    },
  },
  {
    id: 'updateMessage',
    group,
    method: 'put',
    path: '/api/v1/plans/:plan_id/messages/:message_id',
    summary: 'Change a message, if it has the version that the change is based on',
    description:
      'Of all who change the same version one wins. The others are answered 409, with the message as it says now.\n\n' +
      'After a 503 the change may have been made: then the same call again is answered 409, with your own content.',
    body: { schema: updateSchema, example: { version: 1, content: 'The train takes two hours and a half.' } },
    answers: {
      200: { description: 'It is changed', schema: updatedSchema },
      ...refused(400, 422, 503),
      404: { description: 'The plan holds no message with this id', schema: notUpdatedSchema },
      409: { description: 'It has another version', schema: notUpdatedSchema },
      413: { description: 'The body, or the message, is too large', schema: notUpdatedSchema.or(detailSchema) },
    },
  },
  {
    id: 'putDraft',
    group,
    method: 'put',
    path: '/api/v1/plans/:plan_id/drafts/:draft_id',
    summary: 'Show an answer while it is being written',
    description:
      'Watchers see the text at once, and it is durable within 250 ms. `draft_id` is the id of the message that the answer ' +
      'becomes: append that when it is whole, and it takes the place of the draft.\n\n' +
      'Send the whole text so far, or what is new of it with an `offset`: the `length` of the last answer. Wait for an ' +
      'answer before the next call. An agent that says nothing for 60 s counts as dead: its text so far becomes a message, ' +
      'marked `{"interrupted": true}`, whose place the whole answer still takes. One that thinks for longer sends an empty ' +
      '`text` at the `offset` it is at.',
    body: { schema: draftSchema, example: { agent_name: 'Researcher', text: 'takes three ', offset: 10 } },
    answers: {
      200: { description: 'It is shown', schema: draftLengthSchema },
      ...refused(400, 413, 422),
      409: {
        description: '`offset` is behind the end of what the server has: send the whole',
        schema: draftRefusedSchema,
      },
      429: { description: 'The server follows 1,000 answers already', schema: draftRefusedSchema, retryAfter: true },
    },
  },
  {
    id: 'giveUpDraft',
    group,
    method: 'delete',
    path: '/api/v1/plans/:plan_id/drafts/:draft_id',
    summary: 'Give an answer up',
    description: 'Its text so far goes, and no message comes of it. Also where there is no such draft.',
    answers: { 204: { description: 'It is gone' }, ...refused(400, 503) },
  },
  {
    id: 'putPlan',
    group,
    method: 'put',
    path: '/api/v1/plans/:plan_id',
    summary: 'Say what a plan is about, and how it ended',
    description: 'Sent twice it does what it did once. A plan that so far only has messages is taken over.',
    parameters: [principal],
    body: { schema: putPlanSchema, example: { description: 'A trip to Lisbon', status: 'completed' } },
    answers: {
      200: { description: 'It was there', schema: planSchema },
      201: { description: 'It is new', schema: planSchema },
      ...refused(400, 413, 422, 503),
      409: { description: 'It exists with another description or session', schema: detailSchema },
    },
  },
];
