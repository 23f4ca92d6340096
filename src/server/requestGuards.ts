import type { MiddlewareHandler } from 'hono';
import type { AccessPolicy } from './accessPolicy.ts';
import { detailAnswer } from './detail.ts';

/** Answers are of this moment and of one user: nobody keeps them, nobody takes them for something else than JSON. */
export const answerHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.res.headers.set('Cache-Control', 'no-store');
  c.res.headers.set('X-Content-Type-Options', 'nosniff');
  c.res.headers.append('Vary', 'Origin');
};

export function onlyKnownHosts(access: AccessPolicy): MiddlewareHandler {
  return async (c, next) => {
    if (access.allowsHost(c.req.header('host') ?? new URL(c.req.url).host)) return next();
    return detailAnswer({ status: 403, detail: 'The host name is not one of this server' });
  };
}

/**
 * Pages of foreign origins can read no answer, and only reading is done for them: a browser sends what such a page
 * wants to send and asks afterwards whether the page may see what came of it.
 */
export function onlyAllowedOrigins(access: AccessPolicy): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (origin === undefined) return next();
    const allowed = access.allowsOrigin(origin, c.req.header('host'));
    const { method } = c.req;
    if (!allowed && method !== 'GET' && method !== 'HEAD') {
      return detailAnswer({ status: 403, detail: 'Pages of this origin may not call' });
    }
    const wantedMethod = c.req.header('access-control-request-method');
    if (method === 'OPTIONS' && wantedMethod !== undefined) {
      return preflightAnswer(origin, c.req.header('access-control-request-headers'));
    }
    await next();
    if (allowed) c.res.headers.set('Access-Control-Allow-Origin', origin);
    return undefined;
  };
}

/** A page of an allowed origin may send what headers it likes; which ones clients send has never been written down. */
function preflightAnswer(origin: string, wantedHeaders: string | undefined): Response {
  const headers = new Headers({
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE',
    'Access-Control-Max-Age': '600',
  });
  if (wantedHeaders !== undefined) headers.set('Access-Control-Allow-Headers', wantedHeaders);
  return new Response(null, { status: 204, headers });
}

/** Nothing but JSON, and event streams or a page where those are. */
export const onlyJson: MiddlewareHandler = async (c, next) => {
  const type = mediaTypeOf(c.req.path);
  if (accepts(c.req.header('accept'), ['*/*', type.replace(/\/.*/, '/*'), type])) return next();
  return detailAnswer({ status: 406, detail: `Answers are ${type}` });
};

function mediaTypeOf(path: string): string {
  if (path === '/api/v1/docs') return 'text/html';
  return /^\/api\/v1\/plans\/[^/]*\/events$/.test(path) ? 'text/event-stream' : 'application/json';
}

function accepts(accept: string | undefined, types: readonly string[]): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !refused && types.includes(type);
  });
}
