import { type ErrorCode, errorTable } from '../protocol/errors.ts';
import { v3LiveFrame } from '../protocol/v3Frames.ts';
import { connectionStatus, pongFrame, type SocketPeer } from './serverFrames.ts';

/** After so many texts that are not JSON it is no client of ours. */
const maxInvalidJson = 3;

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
  #invalidJson = 0;

  constructor(options: ClientFramesOptions) {
    this.#options = options;
  }

  receive(data: Buffer, isBinary: boolean): void {
    const { peer, timestamp, reply, close, connectionCount } = this.#options;
    if (isBinary) {
      close(1003, 'frames are text');
      return;
    }
    switch (typeOf(data)) {
      case notJson:
        this.#refuse('invalid_json');
        this.#invalidJson++;
        if (this.#invalidJson === maxInvalidJson) close(1008, 'frames are JSON');
        break;
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

const notJson = Symbol('not JSON');

/** The type a frame names; undefined if it is JSON and names none. */
function typeOf(data: Buffer): string | undefined | typeof notJson {
  let frame: unknown;
  try {
    frame = JSON.parse(data.toString());
  } catch {
    return notJson;
  }
  const type = typeof frame === 'object' && frame !== null && 'type' in frame ? frame.type : undefined;
  return typeof type === 'string' ? type : undefined;
}
