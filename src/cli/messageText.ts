import type { JsonValue } from '../protocol/jsonText.ts';
import type { AgentMessage } from '../protocol/message.ts';
import { columns, inColumns, inLines, onOneLine, type Paint, padded } from './terminalText.ts';

const indent = ' '.repeat(5);

/** A message for people, whole: who and when on the first line, then what it says. */
export function messageText(message: AgentMessage, paint: Paint): string {
  const number = paint('dim', String(message.sequence).padStart(indent.length - 1));
  const kind = message.agentType === 'agent' ? '' : paint('dim', ` (${onOneLine(message.agentType)})`);
  const time = paint('dim', ` · ${message.timestamp.slice(11, 19)}Z${remark(message)}`);
  const head = `${number} ${paint('bold', onOneLine(message.agentName))}${kind}${time}`;
  return [head, ...said(message, paint).map((line) => (line === '' ? '' : indent + line))].join('\n');
}

/** A message for people, in one line of at most `width` columns. */
export function messageLine(message: AgentMessage, nameColumns: number, width: number, paint: Paint): string {
  const number = String(message.sequence).padStart(indent.length - 1);
  const name = padded(inColumns(message.agentName, nameColumns), nameColumns);
  const mark = message.type === 'agent_message' ? '' : `[${kindOf(message)}] `;
  const text = mark + (message.content === '' ? toolCalls(message).join(', ') || '(no text)' : message.content);
  const room = Math.max(10, width - columns(number) - columns(name) - 3);
  return `${paint('dim', number)} ${paint('bold', name)}  ${inColumns(text, room)}`;
}

function remark({ type, version }: AgentMessage): string {
  const kind = type === 'agent_message' ? '' : ` · ${kindOf({ type })}`;
  return version > 1 ? `${kind} · edited, version ${version}` : kind;
}

function kindOf({ type }: Pick<AgentMessage, 'type'>): string {
  return type.replace(/_message$/, '').replaceAll('_', ' ');
}

function said(message: AgentMessage, paint: Paint): string[] {
  const calls = toolCalls(message).map((call) => paint('cyan', `→ ${onOneLine(call)}`));
  if (message.content !== '') return [...inLines(message.content), ...calls];
  return calls.length > 0 ? calls : [paint('dim', '(no text)')];
}

/** The tools a model asked for, as calls: `search({"q":"Rome"})`. Both spellings in use are read; others are left out. */
function toolCalls({ metadata }: AgentMessage): string[] {
  const calls = metadata['tool_calls'];
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call: JsonValue) => {
    const named = members(members(call)['function']);
    const { name, args } =
      named['name'] === undefined ? members(call) : { name: named['name'], args: named['arguments'] };
    if (typeof name !== 'string') return [];
    return [`${name}(${typeof args === 'string' ? args : JSON.stringify(args ?? {})})`];
  });
}

function members(value: JsonValue | undefined): Record<string, JsonValue | undefined> {
  return typeof value === 'object' && value !== null ? { ...(value as Record<string, JsonValue>) } : {};
}
