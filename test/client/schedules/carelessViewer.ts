import type { PlanState } from '../../../src/client/planEvents.ts';
import { type PlanGap, type PlanMessage, planMessage } from '../../../src/client/planMessage.ts';
import type { WebSocketLike } from '../../../src/client/webSocketLike.ts';
import { encodeFrame, readServerFrame } from '../../../src/protocol/liveFrames.ts';
import { planId } from './changingLog.ts';
import type { MakeViewer } from './schedule.ts';

export type Carelessness = 'takes messages twice' | 'begins anew without letting go' | 'keeps its cursor over a reset';

/** A client as it is written in an afternoon: what it is careless about, the schedules must find. */
export const careless =
  (carelessness: Carelessness): MakeViewer =>
  (server, clock) => {
    let messages: PlanMessage[] = [];
    let gaps: PlanGap[] = [];
    let state: PlanState = 'connecting';
    let cursor: string | undefined;
    let socket: WebSocketLike;
    let endWait = () => {};

    const take = (text: string) => {
      const frame = readServerFrame(JSON.parse(text));
      if ('refused' in frame) return;
      if (frame.type === 'message') {
        const message = planMessage(frame.message, frame);
        const index = messages.findIndex(({ messageId }) => messageId === message.messageId);
        if (index < 0 || (carelessness === 'takes messages twice' && message.version === 1)) messages.push(message);
        else messages[index] = message;
      } else if (frame.type === 'gap') gaps.push({ type: 'gap', from: frame.from, to: frame.to });
      else if (frame.type === 'caught_up') state = 'live';
      else if (frame.type === 'reset') {
        messages = [];
        gaps = [];
        if (carelessness !== 'keeps its cursor over a reset') cursor = undefined;
      }
      if ('cursor' in frame) cursor = frame.cursor ?? cursor;
      if (carelessness === 'begins anew without letting go') cursor = undefined;
    };
    const connect = () => {
      const made = new server.WebSocket('');
      socket = made;
      endWait = clock.schedule(20_000, lose); // a handshake that hangs
      made.onopen = () => {
        endWait();
        endWait = clock.schedule(10_000, lose); // in place of a heartbeat
        made.send(encodeFrame({ type: 'subscribe', plan_id: planId, ...(cursor !== undefined && { after: cursor }) }));
      };
      made.onmessage = ({ data }: { data: string }) => made === socket && take(data);
      made.onclose = () => made === socket && lose();
    };
    const lose = () => {
      endWait();
      const old = socket;
      old.onclose = old.onmessage = old.onopen = null;
      old.close();
      state = 'offline';
      endWait = clock.schedule(100, connect);
    };
    connect();
    return {
      get messages() {
        return messages;
      },
      get gaps() {
        return gaps;
      },
      get state() {
        return state;
      },
      misfits: 0,
      leave() {},
      reload() {},
      close() {
        endWait();
      },
    };
  };
