import { createHash } from 'node:crypto';
import type { Hono } from 'hono';
import type { AppEnv } from '../appEnv.ts';
import { packageVersion } from '../packageVersion.ts';
import { docsPage } from './docsPage.ts';
import { docsStyle } from './docsStyle.ts';
import { describedRoutes, type OpenApiDocument, openApiDocument } from './document.ts';

/** The page runs nothing and loads nothing. */
const policy =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(docsStyle).digest('base64')}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * What this API is: `GET /api/v1/openapi.json`, and `GET /api/v1/docs` for people. Described is what is mounted when it is
 * first asked for, and nothing that is not.
 */
export function mountOpenApi(app: Hono<AppEnv>): void {
  let made: OpenApiDocument | undefined;
  const document = () => (made ??= openApiDocument(mounted(app), packageVersion()));

  app.get('/api/v1/openapi.json', (c) => c.json(document()));

  app.get('/api/v1/docs', (c) => {
    c.header('Content-Security-Policy', policy);
    return c.html(docsPage(document(), new URL(c.req.url).host));
  });
}

function mounted(app: Hono<AppEnv>) {
  const calls = new Set(app.routes.map(({ method, path }) => `${method} ${path}`));
  return describedRoutes.filter(({ method, path }) => calls.has(`${method.toUpperCase()} ${path}`));
}
