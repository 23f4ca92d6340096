import { getJson, type Json, post } from '../server/http.ts';
import { SocketFrames } from './socketFrames.ts';

export interface Bubble {
  readonly agent: string;
  readonly agentType: string;
  readonly content: string;
}

const userId = 'web-app-user';
const headers = { 'x-ms-client-principal-id': userId };
/** How the v3 edition finds a question, and what it takes for an id. */
const questionIn = /question=(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)')/;
const requestIdIn = /request_id=(?:"([a-fA-F0-9-]+)"|'([a-fA-F0-9-]+)')/;

/**
 * The reference web app, as far as the contract says what it does: POST, GET, then the socket. It posts back what it is
 * sent, draws no bubble from a stream, drops what overtakes the answer to an approval, and closes on the final result.
 */
export class WebApp {
  readonly #url: string;
  #planId = '';
  #socket: SocketFrames | undefined;
  /** What is drawn. */
  readonly bubbles: Bubble[] = [];
  /** Text of streams, shown while it is being written and gone when the bubble comes. */
  buffer = '';
  /** What it read last by `GET /plan`. */
  loaded: Json;
  /** The plan whose approval it asks its user for. */
  approval: Json;
  clarification: { readonly question: string; readonly requestId: string } | undefined;
  finalContent: string | undefined;
  /** Frames that came while it waited for the answer to an approval: it never looks at them again. */
  readonly dropped: Json[] = [];
  readonly #echoes: Promise<unknown>[] = [];
  #isWaiting = false;

  constructor(url: string) {
    this.#url = url;
  }

  get planId(): string {
    return this.#planId;
  }

  get frames(): readonly Json[] {
    return this.#socket?.frames ?? [];
  }

  /** What a user does who gives a task: the browser's language, a team, the task, its page. */
  async start(teamId: string, description = 'Sum up'): Promise<void> {
    const { api } = this;
    await this.#post(`${this.#url}/api/user_browser_language`, { language: 'en-GB' });
    await getJson(`${api}/init_team?team_switched=false`, { headers });
    const session_id = `sid_${Date.now()}_${Math.floor(Math.random() * 10_000)}`;
    const { plan_id } = await this.#post(`${api}/process_request`, { session_id, description, team_id: teamId });
    await this.open(plan_id);
  }

  /** The page of a plan, opened or reloaded. */
  async open(planId: string): Promise<void> {
    this.#planId = planId;
    this.bubbles.length = 0;
    this.loaded = await getJson(`${this.api}/plan?plan_id=${encodeURIComponent(planId)}`, { headers });
    const { plan, messages, m_plan } = this.loaded;
    for (const { agent, agent_type, content } of messages) this.#draw(agent, agent_type, content);
    if (plan.overall_status === 'in_progress' && m_plan !== null) this.approval = m_plan;
    if (['completed', 'failed', 'canceled'].includes(plan.overall_status)) {
      this.finalContent = messages.at(-1)?.content ?? '';
      return;
    }
    const app = this;
    this.#socket = new (class extends SocketFrames {
      override came(frame: Json): void {
        app.#came(frame);
      }
    })(this.#url, planId, userId);
    await this.#socket.until(({ frames }) => frames.length > 0);
  }

  async reload(): Promise<void> {
    await this.#socket?.close();
    await this.open(this.#planId);
  }

  /** Resolves when its socket has shown what the run asks, perhaps once more. */
  async asked(type: 'plan_approval_request' | 'user_clarification_request'): Promise<void> {
    await this.until(() => this.frames.some((frame) => frame.type === type));
  }

  until(condition: () => boolean): Promise<void> {
    return condition() ? Promise.resolve() : (this.#socket as SocketFrames).until(condition);
  }

  /** The user decides. Resolves with what the server answered. */
  async approve(approved: boolean, feedback = ''): Promise<Json> {
    const { id } = this.approval;
    this.#isWaiting = true;
    const body = { m_plan_id: id, plan_id: this.#planId, approved, feedback };
    const answer = await this.#post(`${this.api}/plan_approval`, body);
    this.#isWaiting = false;
    this.approval = undefined;
    return answer;
  }

  async clarify(answer: string): Promise<Json> {
    const request_id = this.clarification?.requestId ?? '';
    const body = { request_id, answer, plan_id: this.#planId, m_plan_id: this.loaded.m_plan?.id ?? '' };
    this.#draw('human', 'Human_Agent', answer);
    this.clarification = undefined;
    return await this.#post(`${this.api}/user_clarification`, body);
  }

  /** Its user has seen the result, and all it had to post back is posted. */
  async finished(): Promise<void> {
    await this.until(() => this.finalContent !== undefined);
    await this.#socket?.closed;
    await Promise.all(this.#echoes);
  }

  async leave(): Promise<void> {
    await this.#socket?.close();
    await Promise.all(this.#echoes);
  }

  get api(): string {
    return `${this.#url}/api/v3`;
  }

  #came(frame: Json): void {
    if (this.#isWaiting && frame.type !== 'ping') {
      this.dropped.push(frame);
      return;
    }
    const { type, data } = frame;
    switch (type) {
      case 'plan_approval_request':
        this.approval = data.plan;
        break;
      case 'agent_message_streaming':
        this.buffer += data.content;
        break;
      case 'agent_message':
        this.buffer = '';
        this.#draw(data.agent_name, 'AI_Agent', data.content);
        this.#echo(data.agent_name, data.content, frame, { agent_type: 'AI_Agent', is_final: false });
        break;
      case 'user_clarification_request': {
        this.clarification = clarificationIn(frame);
        const question = this.clarification?.question ?? '';
        this.#draw('Group_Chat_Manager', 'AI_Agent', question);
        this.#echo('Group_Chat_Manager', question, frame, { agent_type: 'AI_Agent', is_final: false });
        break;
      }
      case 'final_result_message': {
        this.finalContent = data.content;
        const shown = `🎉🎉 ${data.content}`;
        this.#draw('Group_Chat_Manager', 'AI_Agent', shown);
        this.#echo('Group_Chat_Manager', shown, frame, { agent_type: 'AI_Agent', is_final: true });
        void this.#socket?.close();
        break;
      }
    }
  }

  #draw(agent: string | undefined, agentType: string, content: string): void {
    this.bubbles.push({ agent: agent ?? 'Assistant', agentType, content });
  }

  #echo(agent: string, content: string, frame: Json, more: { agent_type: string; is_final: boolean }): void {
    const raw_data = JSON.stringify(frame);
    const body = { plan_id: this.#planId, agent, content, raw_data, streaming_message: this.buffer, ...more };
    const posted = this.#post(`${this.api}/agent_message`, body);
    posted.catch(() => {}); // whoever waits for all is told
    this.#echoes.push(posted);
  }

  async #post(url: string, body: unknown): Promise<Json> {
    const response = await post(url, body, headers);
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    return await response.json();
  }
}

/** As the v3 edition reads it: in the first text, `data` first, that begins like a Python object of this kind. */
function clarificationIn(frame: Json): { question: string; requestId: string } | undefined {
  const source = textIn(frame);
  const [, double, single] = (source && questionIn.exec(source)) || [];
  const [, one, other] = (source && requestIdIn.exec(source)) || [];
  const requestId = one ?? other;
  if (requestId === undefined) return undefined;
  return { question: unescaped(double ?? single ?? ''), requestId };
}

function textIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value.startsWith('UserClarificationRequest(') ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const { data, ...others } = value as Record<string, unknown>;
  for (const inner of [data, ...Object.values(others)]) {
    const found = textIn(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll("\\'", "'").replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}
