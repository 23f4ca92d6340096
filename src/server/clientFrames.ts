import { type ErrorCode, errorTable } from '../protocol/errors.ts';
import { v3LiveFrame } from '../protocol/v3Frames.ts';
import { InboundJson } from './inboundJson.ts';
import { connectionStatus, pongFrame, type SocketPeer } from './serverFrames.ts';

export interface ClientFramesOptions {
  readonly peer: SocketPeer;
  /** ISO 8601, UTC, `Z`. */
  readonly timestamp: () => string;
  readonly connectionCount: () => number;
  readonly reply: (frame: string) => void;
  readonly close: (code: number, reason: string) => void;
}

/**
 * What a client says over its socket, answered. Nothing that comes this way reaches the log: messages are written by
 * agents, and a socket is never a way into the database.
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
      case 'user_clarification_response':
        this.#refuse('not_implemented');
        break;
      default:
        this.#refuse('unknown_message_type');
    }
  }

  #refuse(errorType: ErrorCode): void {
    const { peer, timestamp, reply } = this.#options;
    reply(
      v3LiveFrame({
        type: 'error_notification',
        planId: peer.planId,
        timestamp: timestamp(),
        errorType,
        errorMessage: errorTable[errorType].summary,
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
