/**
 * How a message id is kept in SQLite: a UUID of version 7 (canonical, lower case) as its 16 bytes; any other id as text.
 * The two never compare equal, so distinct ids stay distinct. Each kind has an index of its own: ids of version 7 grow
 * with time, so theirs grows at its end; the others come in any order, so theirs is by plan first.
 */
export type MessageKey = Uint8Array | string;

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function toMessageKey(messageId: string): MessageKey {
  return messageId.length === 36 && uuidV7.test(messageId)
    ? Buffer.from(messageId.replaceAll('-', ''), 'hex')
    : messageId;
}

export function fromMessageKey(key: MessageKey): string {
  if (typeof key === 'string') return key;
  const hex = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
