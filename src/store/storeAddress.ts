import { IndelibleError } from '../protocol/errors.ts';

/** Which database an address names. */
export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

/**
 * Reads `sqlite:<path>` or `postgres://…`.
 *
 * @throws IndelibleError `invalid_config` for anything else; its text holds nothing of the address but the scheme
 */
export function parseStoreAddress(address: string): StoreAddress {
  if (/^sqlite:./.test(address)) return { kind: 'sqlite', path: address.slice('sqlite:'.length) };
  if (/^postgres(ql)?:\/\//.test(address)) return { kind: 'postgres', url: address };
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(address)?.[0];
  const found = scheme === undefined ? 'has no scheme' : `begins with ${scheme}`;
  const message = `the store address ${found}; it must be sqlite:<path> or postgres://…`;
  throw new IndelibleError('invalid_config', { message, field: 'INDELIBLE_STORE' });
}
