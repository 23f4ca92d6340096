import { createServer, type Server, type Socket } from 'node:net';
import { IndelibleError } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import { SeededRandom } from './contract/seededRandom.ts';
import { listen, listenOnFreePort, loopback } from './freePort.ts';
import {
  type Conditions,
  type Direction,
  type Inspector,
  type Place,
  ProxiedConnection,
} from './proxy/proxiedConnection.ts';

export interface TcpProxyOptions {
  /** Where connections lead: `host:port`, or a URL, such as the one that clients would be given. */
  readonly target: string;
  /** Of the jitter of delays. */
  readonly seed?: number;
  readonly clock?: Clock;
  /** Called for each connection, to see what passes it and to cut it. */
  readonly inspect?: () => Inspector;
}

type NewConnections = 'accept' | 'refuse' | 'reset';

const noDelay = () => 0;
const calm: Conditions = { held: new Set(), delayMs: noDelay };
const blackHole: Conditions = { held: new Set(['fromClient', 'fromServer']), delayMs: noDelay };

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new TcpProxy(options);
  await proxy.open();
  return proxy;
}

/**
 * A network on 127.0.0.1 between clients and a server, which can be made to fail. Each fault is in force, for the
 * connections that exist and for new ones, when its call returns, and stays until the next call; `pass` mends it. To be
 * awaited, for a fault may have to open or close the port.
 */
export class TcpProxy {
  readonly host = loopback;
  readonly #target: Place;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #inspect: (() => Inspector) | undefined;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  #port = 0;
  #conditions = calm;
  #newConnections: NewConnections = 'accept';
  #accepted = 0;
  /** Opening and closing the port, one after the other. */
  #switching: Promise<void> = Promise.resolve();

  constructor({ target, seed = 1, clock = systemClock, inspect }: TcpProxyOptions) {
    this.#target = placeOf(target, 'target');
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
    this.#inspect = inspect;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
  }

  /** Before all else, once. */
  async open(): Promise<void> {
    this.#port = await listenOnFreePort(this.#server);
  }

  get port(): number {
    return this.#port;
  }

  /** Connections there are now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Connections there have been, those among them that were reset at once. */
  get accepted(): number {
    return this.#accepted;
  }

  /** A URL of the server, as the one that leads through here. */
  through(url: string): string {
    const { host, port } = this.#target;
    const place = placeOf(url, 'url');
    if (place.host !== host || place.port !== port) {
      const message = `this proxy leads to ${host}:${port}, not to ${place.host}:${place.port}`;
      throw new IndelibleError('invalid_config', { message, field: 'url' });
    }
    const parsed = new URL(url);
    parsed.host = `${this.host}:${this.port}`;
    return parsed.href;
  }

  /** Everything passes at once. What was held back arrives first. */
  pass(): Promise<void> {
    return this.#become('accept', calm);
  }

  /** As if the server were not running: new connections get ECONNREFUSED, existing ones are reset. */
  refuse(): Promise<void> {
    this.resetConnections();
    return this.#become('refuse', calm);
  }

  /** New connections are taken and reset at once, existing ones are reset. */
  reset(): Promise<void> {
    this.resetConnections();
    return this.#become('reset', calm);
  }

  /** New connections are taken; nothing passes, either way, not even that a side is gone. */
  blackHole(): Promise<void> {
    return this.#become('accept', blackHole);
  }

  /** What one side sends does not arrive; the other is heard. */
  halfOpen(lost: Direction): Promise<void> {
    return this.#become('accept', { held: new Set([lost]), delayMs: noDelay });
  }

  /** Everything arrives later, by `delayMs` and up to `jitterMs` more, in its order. */
  delay(delayMs: number, jitterMs = 0): Promise<void> {
    return this.#become('accept', { held: new Set(), delayMs: () => delayMs + this.#random.next() * jitterMs });
  }

  /** Resets the connections there are, once; new ones fare as before. */
  resetConnections(): void {
    for (const connection of [...this.#connections]) connection.reset();
  }

  close(): Promise<void> {
    return this.refuse();
  }

  #take(client: Socket): void {
    this.#accepted++;
    if (this.#newConnections !== 'accept') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const connection: ProxiedConnection = new ProxiedConnection({
      client,
      target: this.#target,
      conditions: this.#conditions,
      clock: this.#clock,
      inspector: this.#inspect?.(),
      ended: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #become(newConnections: NewConnections, conditions: Conditions): Promise<void> {
    this.#newConnections = newConnections;
    this.#conditions = conditions;
    for (const connection of [...this.#connections]) connection.conditions = conditions;
    const wanted = newConnections !== 'refuse';
    const switched = this.#switching.then(async () => {
      if (wanted && !this.#server.listening) await listen(this.#server, this.#port);
      if (!wanted && this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    });
    this.#switching = switched.catch(() => {});
    return switched;
  }
}

const defaultPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'ws:': 80,
};

function placeOf(target: string, field: string): Place {
  const url = URL.parse(target.includes('://') ? target : `tcp://${target}`);
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const port = Number(url?.port) || defaultPorts[url?.protocol ?? ''];
  if (host !== '' && port !== undefined) return { host, port };
  throw new IndelibleError('invalid_config', { message: `${target} names no host and port`, field });
}
