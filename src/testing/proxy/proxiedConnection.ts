import { connect, type Socket } from 'node:net';
import type { Clock } from '../../resilience/clock.ts';
import { TcpFlow } from './tcpFlow.ts';

export type Direction = 'fromClient' | 'fromServer';

/** How the network is at the moment. */
export interface Conditions {
  /** Directions in which nothing passes. */
  readonly held: ReadonlySet<Direction>;
  readonly delayMs: () => number;
}

/** Sees what passes one connection, in pieces as the network makes them. */
export interface Inspector {
  fromClient(piece: Buffer): Inspected;
  fromServer(piece: Buffer): Inspected;
  /** The connection is over. */
  ended(): void;
}

export interface Inspected {
  /** What of it may go on; the inspector may keep some for later. */
  readonly forward: Buffer;
  /** Cuts the connection: the client gets a reset at once, the server what was forwarded and then the end. */
  readonly cut: boolean;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly target: Place;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly inspector: Inspector | undefined;
  readonly ended: () => void;
}

/** How long a server may take to go after its client was cut off, in ms. */
const farewellMs = 10_000;

/** A client's connection and the one to the server that belongs to it. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #clock: Clock;
  readonly #inspector: Inspector | undefined;
  readonly #flows: Readonly<Record<Direction, TcpFlow>>;

  constructor({ client, target, conditions, clock, inspector, ended }: ProxiedConnectionOptions) {
    this.#client = client;
    this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.#clock = clock;
    this.#inspector = inspector;
    const flow = (direction: Direction, from: Socket, to: Socket): TcpFlow =>
      new TcpFlow(clock, from, to, conditionsOf(conditions, direction), (piece) => this.#deliver(direction, piece, to));
    this.#flows = {
      fromClient: flow('fromClient', client, this.#server),
      fromServer: flow('fromServer', this.#server, client),
    };
    let open = 2;
    for (const socket of [client, this.#server]) {
      // A reset is an error too; 'close' follows and says so.
      socket.on('error', () => {});
      socket.on('close', () => {
        open--;
        if (open > 0) return;
        inspector?.ended();
        ended();
      });
    }
  }

  set conditions(conditions: Conditions) {
    for (const direction of ['fromClient', 'fromServer'] as const) {
      this.#flows[direction].conditions = conditionsOf(conditions, direction);
    }
  }

  /** Both sides, at once; what was under way is lost. */
  reset(): void {
    this.#stop();
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** False if the connection was cut with this piece. */
  #deliver(direction: Direction, piece: Buffer, to: Socket): boolean {
    if (this.#inspector === undefined) {
      to.write(piece);
      return true;
    }
    const { forward, cut } = this.#inspector[direction](piece);
    if (forward.length > 0) to.write(forward);
    if (cut) this.#cut();
    return !cut;
  }

  #cut(): void {
    this.#stop();
    this.#client.resetAndDestroy();
    this.#server.end();
    // Whatever it still says is read, so that it can say it and see the end.
    this.#server.resume();
    const cancel = this.#clock.schedule(farewellMs, () => this.#server.destroy());
    this.#server.once('close', cancel);
  }

  #stop(): void {
    for (const flow of Object.values(this.#flows)) flow.stop();
  }
}

function conditionsOf({ held, delayMs }: Conditions, direction: Direction) {
  return { held: held.has(direction), delayMs };
}
