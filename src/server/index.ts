/** /api/v3 over HTTP and WebSocket. */
export { type AccessOptions, AccessPolicy } from './accessPolicy.ts';
export type { AppEnv } from './appEnv.ts';
export { type Attached, type AttachOptions, attach } from './attach.ts';
export { defaultLimits, type ServerLimits } from './serverLimits.ts';
export { type RunningServer, type ServerOptions, startServer } from './startServer.ts';
export { type V3AppOptions, v3App } from './v3App.ts';
export { WebSocketManager } from './webSocketManager.ts';
