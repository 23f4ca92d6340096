/**
 * How a message id is kept in SQLite: a canonical lower-case UUID as its 16 bytes, half the size of the index; any
 * other id as text. The two never compare equal, so distinct ids stay distinct.
 */
export type MessageKey = Uint8Array | string;

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function toMessageKey(messageId: string): MessageKey {
  return messageId.length === 36 && canonicalUuid.test(messageId)
    ? Buffer.from(messageId.replaceAll('-', ''), 'hex')
    : messageId;
}

export function fromMessageKey(key: MessageKey): string {
  if (typeof key === 'string') return key;
  const hex = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
