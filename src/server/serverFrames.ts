import { v7 as uuidV7 } from 'uuid';
import { v3Frame } from '../protocol/v3Frames.ts';

/** Whom a socket belongs to. */
export interface SocketPeer {
  readonly planId: string;
  readonly userId: string;
}

/** The first frame of a socket: the one that is flat. `timestamp` is ISO 8601, here and below. */
export function connectionEstablished(
  { planId, userId }: SocketPeer,
  status: 'connected' | 'reconnected',
  connectionCount: number,
  timestamp: string,
): string {
  return JSON.stringify({
    type: 'connection_established',
    data: {
      plan_id: planId,
      user_id: userId,
      status,
      server_time: timestamp,
      connection_count: connectionCount,
      capabilities: {
        progress_tracking: true,
        message_history: true,
        error_recovery: true,
        heartbeat: true,
        message_queuing: true,
      },
    },
    timestamp,
    message_id: uuidV7(),
    correlation_id: null,
    priority: 0,
  });
}

/** Sent instead of `connection_established`; the socket is closed next. */
export function connectionError({ planId }: SocketPeer, type: string, text: string, timestamp: string): string {
  const payload = { ...system(planId, text, timestamp), error_type: type, error_message: text, recoverable: true };
  return v3Frame('connection_error', payload, { timestamp, priority: 3 });
}

export function connectionStatus({ planId, userId }: SocketPeer, connectionCount: number, timestamp: string): string {
  const payload = {
    ...system(planId, 'connected', timestamp),
    user_id: userId,
    status: 'connected',
    server_time: timestamp,
    connection_count: connectionCount,
  };
  return v3Frame('connection_status', payload, { timestamp });
}

/** What a client said about a plan is taken; what comes of it follows. */
export function approvalProcessed(
  planId: string,
  { approved, feedback }: { readonly approved: boolean; readonly feedback: string },
  timestamp: string,
): string {
  const content = approved ? 'The plan is approved; the run goes on.' : 'The plan is rejected.';
  const status = approved ? 'processing' : 'rejected';
  const payload = { ...system(planId, content, timestamp), status, approved, feedback, m_plan_id: planId };
  return v3Frame('approval_processed', payload, { timestamp });
}

export function clarificationProcessed(
  planId: string,
  { requestId, answer }: { readonly requestId: string; readonly answer: string },
  timestamp: string,
): string {
  const content = 'The answer is taken; the run goes on with it.';
  const payload = { ...system(planId, content, timestamp), status: 'processing', request_id: requestId, answer };
  return v3Frame('clarification_processed', payload, { timestamp });
}

export function pingFrame({ planId }: SocketPeer, timestamp: string): string {
  return v3Frame('ping', { ...system(planId, '', timestamp), server_time: timestamp }, { timestamp });
}

/** Bare: no envelope. */
export function pongFrame(timestamp: string): string {
  return JSON.stringify({ type: 'pong', timestamp, server_time: timestamp });
}

function system(planId: string, content: string, timestamp: string) {
  return { plan_id: planId, agent_name: 'System', content, timestamp };
}
