import { IndelibleError } from '../protocol/errors.ts';
import { isLoopback } from './loopback.ts';

export interface AccessOptions {
  /** Origins whose pages may call: `https://app.example.com`. Default: pages of this machine. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Something in front authenticates: the server answers under any host name. */
  readonly insecure?: boolean | undefined;
}

/**
 * Which pages and which host names are answered. Without authentication this is all that stands between a page of the
 * open internet and what runs here: browsers let such a page send requests and open sockets to loopback addresses, and
 * only the `Origin` they send along tells. A page can also have its own name resolve to 127.0.0.1 (DNS rebinding); then
 * it is the server's own origin, and only the `Host` tells.
 *
 * Origins are compared whole, never by prefix or suffix. No `Origin` at all means that no browser is asking.
 */
export class AccessPolicy {
  readonly #origins: ReadonlySet<string> | undefined;
  readonly #hosts: ReadonlySet<string>;
  readonly #anyHost: boolean;

  /** @throws IndelibleError `invalid_config` */
  constructor({ allowedOrigins, insecure = false }: AccessOptions) {
    const origins = allowedOrigins?.map(parseAllowedOrigin);
    this.#origins = origins === undefined ? undefined : new Set(origins.map(({ origin }) => origin));
    this.#hosts = new Set(origins?.map(({ hostname }) => hostname));
    this.#anyHost = insecure;
  }

  /** `host`: the header, with or without a port. */
  allowsHost(host: string | undefined): boolean {
    const url = parseHost(host, 'http:');
    if (url === undefined) return false;
    return this.#anyHost || isLoopback(url.hostname) || this.#hosts.has(url.hostname);
  }

  allowsOrigin(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    const url = parseOrigin(origin);
    if (url === undefined) return false;
    if (this.#origins === undefined ? isLoopback(url.hostname) : this.#origins.has(url.origin)) return true;
    return parseHost(host, url.protocol)?.host === url.host;
  }
}

function parseAllowedOrigin(text: string, index: number): URL {
  const url = parseOrigin(text);
  if (url !== undefined) return url;
  const field = `allowedOrigins[${index}]`;
  throw new IndelibleError('invalid_config', {
    message: `${field} is no origin such as https://app.example.com`,
    field,
  });
}

function parseOrigin(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  return `${url.username}${url.password}${url.pathname}${url.search}${url.hash}` === '/' ? url : undefined;
}

/** `protocol` says which port is the default one. */
function parseHost(host: string | undefined, protocol: string): URL | undefined {
  if (host === undefined || host === '' || /[/\\?#@\s]/.test(host)) return undefined;
  return URL.parse(`${protocol}//${host}`) ?? undefined;
}
