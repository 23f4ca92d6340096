import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { type ClientFrame, liveProtocol, type ServerFrame } from '../../src/protocol/liveFrames.ts';
import { UntilFrames } from '../server/untilFrames.ts';
import { PlanView } from './planView.ts';

type OfType<T extends ServerFrame['type']> = Extract<ServerFrame, { readonly type: T }>;

/**
 * A client of `indelible.v1` as PROTOCOL.md has it, with nothing of the package's own client in it. What it is told of
 * a plan goes into a {@link PlanView}, which outlives the connection: `comeBack` is the same client with a new one.
 */
export class LiveTestClient {
  readonly frames: ServerFrame[] = [];
  closed!: Promise<number>;
  ws!: WebSocket;
  readonly #url: string;
  readonly #options: ClientOptions;
  readonly #plans = new Map<string, { readonly view: PlanView; cursor: string | undefined; sequence: number }>();
  readonly #frames = new UntilFrames();

  constructor(url: string, options: ClientOptions = {}) {
    this.#url = url;
    this.#options = options;
    this.#connect();
    onTestFinished(() => this.ws.terminate());
  }

  static async open(server: { readonly port: number }, userId = 'somebody'): Promise<LiveTestClient> {
    const client = new LiveTestClient(liveUrl(server, userId));
    await client.opened();
    return client;
  }

  async opened(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.ws.once('open', resolve);
      this.ws.once('error', reject);
    });
  }

  #connect(): void {
    this.ws = new WebSocket(this.#url, [liveProtocol], this.#options);
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code) => {
        resolve(code);
        this.#look();
      });
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as ServerFrame;
      this.frames.push(frame);
      this.#follow(frame);
      this.#look();
    });
  }

  view(planId: string): PlanView {
    return this.#plan(planId).view;
  }

  cursor(planId: string): string | undefined {
    return this.#plan(planId).cursor;
  }

  ofType<T extends ServerFrame['type']>(type: T, planId?: string): OfType<T>[] {
    return this.frames.filter(
      (frame): frame is OfType<T> =>
        frame.type === type && (planId === undefined || ('plan_id' in frame && frame.plan_id === planId)),
    );
  }

  /** The sequences of the messages that came, as they came. */
  sequences(planId?: string): number[] {
    return this.ofType('message', planId).map(({ sequence }) => sequence);
  }

  send(frame: ClientFrame): void {
    this.ws.send(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.ws.send(text);
  }

  /** Watches from where it has the plan. */
  subscribe(planId: string): void {
    const { cursor } = this.#plan(planId);
    this.send({ type: 'subscribe', plan_id: planId, ...(cursor !== undefined && { after: cursor }) });
  }

  async subscribed(planId: string): Promise<void> {
    const before = this.ofType('caught_up', planId).length;
    this.subscribe(planId);
    await this.until(() => this.ofType('caught_up', planId).length > before);
  }

  /** The connection breaks without a word, and there is a new one. */
  async comeBack(planId: string): Promise<void> {
    this.ws.removeAllListeners('message');
    this.ws.terminate();
    const plan = this.#plan(planId);
    plan.view.cameBack(plan.sequence);
    this.#connect();
    await this.opened();
    this.subscribe(planId);
  }

  /** All that the server sent before it read this has been read. */
  async settled(): Promise<void> {
    const before = this.ofType('pong').length;
    this.send({ type: 'ping' });
    await this.until(() => this.ofType('pong').length > before);
  }

  /** Resolves when the condition holds; rejects if the socket is closed before. */
  until(condition: (client: this) => boolean): Promise<void> {
    return this.#frames.until(this.ws, () => condition(this));
  }

  #plan(planId: string) {
    const plan = this.#plans.get(planId) ?? { view: new PlanView(), cursor: undefined, sequence: 0 };
    this.#plans.set(planId, plan);
    return plan;
  }

  #follow(frame: ServerFrame): void {
    if (!('plan_id' in frame) || frame.plan_id === undefined) return;
    const plan = this.#plan(frame.plan_id);
    if (frame.type === 'message') {
      const { sequence, version, message } = frame;
      plan.view.message({ sequence, version, text: message.content });
    } else if (frame.type === 'gap') plan.view.gap(frame.from, frame.to);
    else if (frame.type === 'reset') {
      plan.view.reset();
      plan.cursor = undefined;
      plan.sequence = 0;
    }
    if ('cursor' in frame && frame.cursor !== undefined) {
      plan.cursor = frame.cursor;
      plan.sequence = plan.view.sequence;
    }
  }

  #look(): void {
    this.#frames.look();
  }
}

export function liveUrl({ port }: { readonly port: number }, userId = 'somebody'): string {
  return `ws://127.0.0.1:${port}/api/v1/socket?user_id=${encodeURIComponent(userId)}`;
}

export function upTo(end: number, from = 1): number[] {
  return Array.from({ length: end - from + 1 }, (_, index) => from + index);
}
