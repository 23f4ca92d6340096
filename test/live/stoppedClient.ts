/** A client in a process of its own, which a test can stop: `argv[2]` is the socket's address. */
import { WebSocket } from 'ws';
import { liveProtocol } from '../../src/protocol/liveFrames.ts';

const ws = new WebSocket(process.argv[2] ?? '', [liveProtocol]);
ws.on('open', () => ws.send(JSON.stringify({ type: 'subscribe', plan_id: 'p' })));
ws.on('message', (data) => process.send?.(JSON.parse(data.toString()).type));
