import type { Wake } from '../../src/store/wake.ts';

/** Tells nobody of anything: what is left shows what NOTIFY costs. */
export const withoutHints: Wake = {
  inTransaction: false,
  announce() {},
  listen: () => () => {},
  async close() {},
};
