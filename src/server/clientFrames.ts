import { z } from 'zod';
import { type ErrorCode, errorTable, IndelibleError } from '../protocol/errors.ts';
import { v3LiveFrame } from '../protocol/v3Frames.ts';
import type { PersonAnswer } from '../runs/answering.ts';
import { InboundJson } from './inboundJson.ts';
import type { PersonAnswers } from './personAnswers.ts';
import {
  approvalProcessed,
  clarificationProcessed,
  connectionStatus,
  pongFrame,
  type SocketPeer,
} from './serverFrames.ts';

const approval = z.object({
  data: z.object({ approved: z.boolean(), feedback: z.string().nullish(), m_plan_id: z.string().nullish() }),
});

const clarification = z.object({ data: z.object({ request_id: z.string().nullish(), answer: z.string() }) });

export interface ClientFramesOptions {
  readonly peer: SocketPeer;
  readonly people: PersonAnswers;
  /** ISO 8601, UTC, `Z`. */
  readonly timestamp: () => string;
  readonly connectionCount: () => number;
  readonly reply: (frame: string) => void;
  readonly close: (code: number, reason: string) => void;
  /** What went wrong here, and is no business of the client's. */
  readonly failed: (error: unknown) => void;
}

/**
 * What a client says over its socket, answered. Nothing that comes this way is written to the log as it came: messages are
 * written by agents, and a person's answer by the run that goes on with it, after its sender was told that it counts.
 */
export class ClientFrames {
  readonly #options: ClientFramesOptions;
  readonly #json: InboundJson;

  constructor(options: ClientFramesOptions) {
    this.#options = options;
    this.#json = new InboundJson({ refuse: (code) => this.#refuse(code), close: options.close });
  }

  receive(data: Buffer, isBinary: boolean): void {
    const { peer, timestamp, reply, connectionCount } = this.#options;
    const frame = this.#json.parse(data, isBinary);
    if (frame === undefined) return;
    switch (typeOf(frame.value)) {
      case undefined:
        this.#refuse('invalid_request');
        break;
      case 'ping':
        reply(pongFrame(timestamp()));
        break;
      case 'pong':
        break;
      case 'connection_check':
        reply(connectionStatus(peer, connectionCount(), timestamp()));
        break;
      case 'plan_approval_response':
        void this.#approve(frame.value);
        break;
      case 'user_clarification_response':
        void this.#clarify(frame.value);
        break;
      default:
        this.#refuse('unknown_message_type');
    }
  }

  async #approve(frame: unknown): Promise<void> {
    const said = approval.safeParse(frame).data?.data;
    if (said === undefined) return this.#refuse('invalid_request');
    const { peer, people, timestamp } = this.#options;
    const feedback = said.feedback ?? '';
    await this.#answer(async (answer) => {
      const { approved } = await people.take(
        peer.planId,
        { ...answer, approved: said.approved, text: feedback },
        'approval',
      );
      return approvalProcessed(peer.planId, { approved, feedback }, timestamp());
    });
  }

  async #clarify(frame: unknown): Promise<void> {
    const said = clarification.safeParse(frame).data?.data;
    if (said === undefined) return this.#refuse('invalid_request');
    const { peer, people, timestamp } = this.#options;
    const requestId = said.request_id ? { requestId: said.request_id } : {};
    await this.#answer(async (answer) => {
      const { request } = await people.take(peer.planId, { ...answer, ...requestId, text: said.answer });
      return clarificationProcessed(peer.planId, { requestId: request.requestId, answer: said.answer }, timestamp());
    });
  }

  /** The run goes on when the frame that `take` answers is on its way: what the run then says comes behind it. Never rejects. */
  async #answer(take: (answer: PersonAnswer) => Promise<string>): Promise<void> {
    const { peer, reply, failed } = this.#options;
    const told = Promise.withResolvers<void>();
    try {
      reply(await take({ userId: peer.userId, callerAnswered: told.promise }));
    } catch (error) {
      const code = IndelibleError.is(error) ? error.code : undefined;
      if (code === undefined || errorTable[code].status >= 500) failed(error);
      this.#refuse(code);
    } finally {
      told.resolve();
    }
  }

  /** Without a code: what went wrong is in no table. */
  #refuse(code: ErrorCode | undefined): void {
    const { peer, timestamp, reply } = this.#options;
    reply(
      v3LiveFrame({
        type: 'error_notification',
        planId: peer.planId,
        timestamp: timestamp(),
        errorType: code ?? 'internal_error',
        errorMessage: code === undefined ? 'Internal server error' : errorTable[code].summary,
        recoverable: true,
      }),
    );
  }
}

/** The type a frame names, if it names one. */
function typeOf(frame: unknown): string | undefined {
  const type = typeof frame === 'object' && frame !== null && 'type' in frame ? frame.type : undefined;
  return typeof type === 'string' ? type : undefined;
}
