import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Connections, defaultTimeouts, query, translated } from '../../src/store/postgres/connection.ts';
import { listenOnFreePort, loopback } from '../../src/testing/freePort.ts';

it('P18: a server that is going down as it lets a client in, and says both at once, is an outage and no crash', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection', ''].map((field) => `${field}\0`).join('');
    const words = [message('R', int32(0)), message('Z', Buffer.from('I')), message('E', Buffer.from(fields))];
    socket.once('data', () => socket.end(Buffer.concat(words)));
  });
  const port = await listenOnFreePort(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const connections = new Connections(`postgres://somebody@${loopback}:${port}/somewhere`, 1, defaultTimeouts);
  onTestFinished(() => connections.end());
  const asked = translated('cannot ask', () => query(connections.pool, { text: 'SELECT 1' }));
  await expect(asked).rejects.toMatchObject({ code: 'store_unavailable' });
});

/** As PostgreSQL frames what it says: a letter, the length of the rest, the rest. */
function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
