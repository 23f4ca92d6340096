import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Indelible } from '../agents/indelible.ts';
import type { Broadcaster } from '../persistence/broadcaster.ts';
import { errorTable } from '../protocol/errors.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { LogPosition } from '../store/messageLog.ts';
import { closeInTime } from './closeInTime.ts';
import type { PersonAnswers } from './personAnswers.ts';
import { PlanSocket } from './planSocket.ts';
import { PlanVisits } from './planVisits.ts';
import { connectionError, connectionEstablished, type SocketPeer } from './serverFrames.ts';
import type { ServerLimits } from './serverLimits.ts';

/** How much of the log a client without a cursor is shown: of what nobody saw, and otherwise. */
const newestUnseen = 50;
const newestSeen = 10;

/**
 * The sockets of a server, by plan. What they are sent comes from the feed, which reads the log; the manager says where
 * in it each one starts, how many there may be, and how far they are.
 */
export class WebSocketManager implements Broadcaster {
  readonly #indelible: Indelible;
  readonly #limits: ServerLimits;
  readonly #people: PersonAnswers;
  readonly #plans = new Map<string, Set<PlanSocket>>();
  readonly #socketsOfUser = new Map<string, number>();
  readonly #visits = new PlanVisits();

  /** `people`: whom what clients answer over their sockets is handed to. */
  constructor(indelible: Indelible, limits: ServerLimits, people: PersonAnswers) {
    this.#indelible = indelible;
    this.#limits = limits;
    this.#people = people;
  }

  /** How many sockets watch the plan. */
  connections(planId: string): number {
    return this.#plans.get(planId)?.size ?? 0;
  }

  /**
   * How many sockets have been sent the message. Those that are live have, those that are behind read it from the log
   * when they get there; nobody is sent it twice.
   */
  broadcast(message: StoredMessage): number {
    let reached = 0;
    for (const socket of this.#plans.get(message.planId) ?? []) {
      if (socket.sent < message.sequence) socket.offer(message);
      if (socket.sent >= message.sequence) reached++;
    }
    return reached;
  }

  /**
   * Takes over a socket that was just opened. `head` is how far the log went before the peer knew that it is connected:
   * whatever is committed after the peer knows, it is sent. `start`: the place from which the client asks to be sent the
   * log; else what it is owed is guessed.
   */
  open(ws: WebSocket, transport: Duplex, peer: SocketPeer, head: LogPosition, start?: LogPosition): void {
    const { planId, userId } = peer;
    if (this.#isFull(peer)) {
      this.#refuse(ws, peer);
      return;
    }
    const after = start ?? { sequence: this.#startOf(planId, head.sequence), revision: head.revision };
    const status = this.#visits.knows(planId, userId) ? 'reconnected' : 'connected';
    const socket = new PlanSocket({
      ws,
      transport,
      peer,
      indelible: this.#indelible,
      people: this.#people,
      limits: this.#limits,
      connectionCount: () => this.connections(planId),
    });
    void socket.ended.then((code) => this.#ended(socket, code));
    const sockets = this.#plans.get(planId);
    if (sockets) sockets.add(socket);
    else this.#plans.set(planId, new Set([socket]));
    this.#socketsOfUser.set(userId, (this.#socketsOfUser.get(userId) ?? 0) + 1);
    this.#indelible.observe({ type: 'socket_opened', planId, userId });
    socket.begin(connectionEstablished(peer, status, this.connections(planId), this.#timestamp()), after);
  }

  /** Closes the sockets there are; resolves when all are gone. Peers that do not answer in time are cut off. */
  async closeAll(code = 1001, timeoutMs = this.#limits.closeTimeoutMs): Promise<void> {
    const sockets = [...this.#plans.values()].flatMap((ofPlan) => [...ofPlan]);
    const close = (socket: PlanSocket) => socket.close(code, 'the server is going away');
    await closeInTime(sockets, close, this.#indelible.clock, timeoutMs);
  }

  /** Behind which sequence a socket that is opened now starts. */
  #startOf(planId: string, head: number): number {
    const seen = this.#visits.seen(planId);
    // A log that ends before what was seen is another one, restored from a backup: all of it is new.
    const written = seen > head ? head : head - seen;
    const unseen = this.connections(planId) > 0 ? 0 : written;
    const shown = unseen > 0 ? Math.min(unseen, newestUnseen) : newestSeen;
    return Math.max(0, head - shown);
  }

  #isFull({ planId, userId }: SocketPeer): boolean {
    const { socketsPerPlan, socketsPerUser } = this.#limits;
    return this.connections(planId) >= socketsPerPlan || (this.#socketsOfUser.get(userId) ?? 0) >= socketsPerUser;
  }

  #refuse(ws: WebSocket, peer: SocketPeer): void {
    ws.on('error', () => {});
    ws.send(connectionError(peer, 'too_many_connections', errorTable.too_many_connections.summary, this.#timestamp()));
    ws.close(1008, 'too many connections');
  }

  #ended(socket: PlanSocket, code: number): void {
    const { planId, userId } = socket.peer;
    const sockets = this.#plans.get(planId);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#plans.delete(planId);
    const left = (this.#socketsOfUser.get(userId) ?? 1) - 1;
    if (left > 0) this.#socketsOfUser.set(userId, left);
    else this.#socketsOfUser.delete(userId);
    this.#visits.left(planId, userId, socket.seen(code), !this.#plans.has(planId));
    this.#indelible.observe({ type: 'socket_closed', planId, userId, code });
  }

  #timestamp(): string {
    return new Date(this.#indelible.clock.now()).toISOString();
  }
}
