/** How a frame's text becomes bytes on its way; `type` is the frame's, `cursor` the one that stands in it, if any. */
export type Framing = (text: string, type: string, cursor?: string) => Buffer;

/** A WebSocket text message in one frame, as a server sends it: not masked, not compressed (RFC 6455, section 5.2). */
export const webSocketFraming: Framing = (text) => {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerLength + length);
  bytes[0] = 0x81;
  if (headerLength === 2) bytes[1] = length;
  else if (headerLength === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeUInt32BE(0, 2);
    bytes.writeUInt32BE(length, 6);
  }
  bytes.write(text, headerLength);
  return bytes;
};

/**
 * A server-sent event: JSON holds no line break, so the frame is one line. After a `reset` the client has no id to come
 * back with: the one it held is of another log.
 */
export const eventStreamFraming: Framing = (text, type, cursor) => {
  const id = cursor ?? (type === 'reset' ? '' : undefined);
  return Buffer.from(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${text}\n\n`);
};
