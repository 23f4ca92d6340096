import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testServer } from './testServer.ts';

describe('an upgrade whose target is a whole URL', () => {
  it.each([
    ['http://127.0.0.1:4000/api/v3/socket/x?user_id=u', 'localhost', 101],
    ['HTTP://localhost/api/v3/socket/x', 'localhost', 101],
    ['http://127.0.0.1:4000/api/v3/socket/x', 'evil.example', 403],
    ['http://evil.example/api/v3/socket/x', 'localhost', 403],
    ['http://127.0.0.1@evil.example/api/v3/socket/x', 'localhost', 403],
  ])('is answered as any, by the same rules for hosts: %s of %s is %d', async (target, host, status) => {
    const server = await testServer();
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [first] = await new Promise<string[]>((resolve) =>
      socket.once('data', (chunk) => resolve(chunk.toString('latin1').split('\r\n'))),
    );
    expect(Number(first?.split(' ')[1])).toBe(status);
  });
});
