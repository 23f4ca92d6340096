import type { HttpBindings } from '@hono/node-server';

/** What the routes know of the connection; nothing where the app is called without one. */
export interface AppEnv {
  readonly Bindings: Partial<HttpBindings>;
}
