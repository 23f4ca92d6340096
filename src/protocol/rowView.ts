import type { StoredMessage } from './message.ts';
import { leadingTokens } from './messageBytes.ts';

/** What a view can show of a message. `agentName`: its encoded value. `members`: those of the body, without its braces. */
export type RowValue = 'sequence' | 'version' | 'agentName' | 'members';

/**
 * How a protocol shows a message: fixed text around what the log holds, said once. {@link rowText} makes text of it, for
 * who has the message; `RowBytes` makes bytes of it, for who has what a database sent. Both give the same.
 */
export interface RowView {
  /** One more than there are values: each stands between two of them. */
  readonly texts: readonly string[];
  readonly values: readonly RowValue[];
}

/** As a template: ``rowView`{"sequence":${'sequence'},${'members'}}` ``. A view may stand in another one. */
export function rowView({ raw }: TemplateStringsArray, ...parts: readonly (RowValue | RowView)[]): RowView {
  const texts = [raw[0] as string];
  const values: RowValue[] = [];
  const append = (text: string) => {
    texts.push((texts.pop() as string) + text);
  };
  for (const [place, part] of parts.entries()) {
    if (typeof part === 'string') {
      values.push(part);
      texts.push('');
    } else {
      values.push(...part.values);
      const [first = '', ...others] = part.texts;
      append(first);
      texts.push(...others);
    }
    append(raw[place + 1] as string);
  }
  return { texts, values };
}

/** The message as the view shows it. */
export function rowText({ texts, values }: RowView, message: StoredMessage): string {
  let text = texts[0] as string;
  for (let place = 0; place < values.length; place++) {
    text += valueText(values[place] as RowValue, message) + (texts[place + 1] as string);
  }
  return text;
}

function valueText(value: RowValue, message: StoredMessage): string | number {
  switch (value) {
    case 'sequence':
      return message.sequence;
    case 'version':
      return message.version;
    case 'agentName':
      return leadingTokens(message.body).agentName;
    case 'members':
      return message.body.slice(1, -1);
  }
}
