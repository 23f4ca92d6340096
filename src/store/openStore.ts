import { IndelibleError } from '../protocol/errors.ts';
import type { Store } from './store.ts';

/**
 * Opens the store an address names: `sqlite:<path>`.
 *
 * @throws IndelibleError `invalid_config` for any other address; else as the store's own opening
 */
export async function openStore(address: string): Promise<Store> {
  const path = address.startsWith('sqlite:') ? address.slice('sqlite:'.length) : '';
  if (path === '') {
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(address)?.[0] ?? '';
    const message = `the store address ${scheme === '' ? 'has no scheme' : `begins with ${scheme}`}; it must be sqlite:<path>`;
    throw new IndelibleError('invalid_config', { message, field: 'INDELIBLE_STORE' });
  }
  // Loaded when asked for, so that a runtime without node:sqlite can use another store.
  const { openSqliteStore } = await import('./sqlite/index.ts');
  return openSqliteStore(path);
}
