import {
  type BaseMessage,
  type BaseMessageLike,
  coerceMessageLikeToMessage,
  isBaseMessage,
} from '@langchain/core/messages';

/** The state key under which LangGraph's message reducers make messages of LangChain's short forms. */
const messagesKey = 'messages';

export interface StateMessages {
  readonly messages: readonly BaseMessage[];
  /** What stood there in a short form, as text: they have neither identity nor id to recognise them by. */
  readonly shortForms: ReadonlySet<string>;
}

/**
 * The messages of a LangGraph value, in order. The value is a node's input or what it returned: a message, an array of
 * them, a state (the messages and arrays of messages among its values), a `Command` (its update), or an array of these.
 * A short form (`{ role, content }`, `[role, text]`, a text) counts under `messages`, unless `known` holds it.
 * `RemoveMessage` is not a message. Never throws.
 */
export function messagesIn(value: unknown, known: ReadonlySet<string> = new Set()): StateMessages {
  const messages: BaseMessage[] = [];
  const shortForms = new Set<string>();
  for (const found of inUpdate(withoutCover(value))) {
    const message = isBaseMessage(found) ? found : fromShortForm(found, shortForms, known);
    if (message !== undefined && message.getType() !== 'remove') messages.push(message);
  }
  return { messages, shortForms };
}

/** Callbacks are given `{ output: [...] }` or `{ input: [...] }` in place of an array. */
function withoutCover(value: unknown): unknown {
  if (!isObject(value)) return value;
  const [entry, ...others] = Object.entries(value);
  const covered = others.length === 0 && (entry?.[0] === 'output' || entry?.[0] === 'input') && Array.isArray(entry[1]);
  return covered ? entry[1] : value;
}

function* inUpdate(value: unknown): Generator<unknown> {
  if (isBaseMessage(value)) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* isEntry(item) ? inChannel(...item) : inUpdate(item);
  else if (isObject(value) && value['lg_name'] === 'Command') yield* inUpdate(value['update']);
  else if (isObject(value) && value['lg_name'] === undefined) {
    for (const [key, member] of Object.entries(value)) yield* inChannel(key, member);
  }
}

function* inChannel(key: string, value: unknown): Generator<unknown> {
  const written = isObject(value) && '__overwrite__' in value ? value['__overwrite__'] : value;
  for (const item of Array.isArray(written) ? written : [written]) {
    if (isBaseMessage(item) || (key === messagesKey && item !== undefined && item !== null)) yield item;
  }
}

/** `Command.update` may be a list of `[key, value]`. */
function isEntry(item: unknown): item is [string, unknown] {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string';
}

function fromShortForm(value: unknown, seen: Set<string>, known: ReadonlySet<string>): BaseMessage | undefined {
  try {
    const text = JSON.stringify(value);
    seen.add(text);
    return known.has(text) ? undefined : coerceMessageLikeToMessage(value as BaseMessageLike);
  } catch {
    return undefined; // LangGraph cannot make a message of it either
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
