import type { Hono } from 'hono';
import type { Indelible } from '../agents/indelible.ts';
import type { AppEnv } from './appEnv.ts';
import { packageVersion } from './packageVersion.ts';

/**
 * How the server is. `/health` is of the process: 200 as long as it answers, `degraded` while messages do not go straight
 * to the database; a process that is restarted because its database is away helps nobody. `/ready` is whether to send work
 * here: also while the database is away, as long as what agents write is kept on disk. `/metrics` is for Prometheus.
 */
export function addHealthRoutes(app: Hono<AppEnv>, { persistence, metrics }: Indelible): void {
  for (const path of ['/api/v3/health', '/health']) {
    app.get(path, (c) => {
      const { breaker, depth, setAside, oldestAgeMs } = persistence.outage();
      const status = breaker === 'closed' && depth === 0 ? 'healthy' : 'degraded';
      const spool = { depth, set_aside: setAside, oldest_age_seconds: Math.round(oldestAgeMs / 1_000) };
      return c.json({ status, service: 'indelible', version: packageVersion(), breaker, spool });
    });
  }
  app.get('/ready', (c) => {
    const { breaker, canSpool } = persistence.outage();
    const ready = breaker === 'closed' || canSpool;
    return c.json({ ready, breaker, can_spool: canSpool }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    c.header('Content-Type', metrics.contentType);
    return c.body(await metrics.text());
  });
}
