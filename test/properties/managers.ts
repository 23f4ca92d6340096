import fc from 'fast-check';
import type { Broadcaster } from '../../src/persistence/broadcaster.ts';

export type ManagerKind = 'none' | 'null' | 'counts' | 'nobody' | 'throws' | 'rejects' | 'hangs' | 'late' | 'mad';

/** Managers as an agent may be given one: good ones, and such as fail in every way. */
export const anyManager: fc.Arbitrary<ManagerKind> = fc.constantFrom(
  'none',
  'null',
  'counts',
  'nobody',
  'throws',
  'rejects',
  'hangs',
  'late',
  'mad',
);

export function manager(kind: ManagerKind): Broadcaster | null | undefined {
  switch (kind) {
    case 'none':
      return undefined;
    case 'null':
      return null;
    case 'counts':
      return { broadcast: () => 3 };
    case 'nobody':
      return { broadcast: () => 0 };
    case 'throws':
      return {
        broadcast() {
          throw new Error('the manager throws');
        },
      };
    case 'rejects':
      return { broadcast: () => Promise.reject(new Error('the manager rejects')) };
    case 'hangs':
      return { broadcast: () => new Promise(() => {}) };
    case 'late':
      return { broadcast: () => new Promise((_, reject) => setTimeout(reject, 30, new Error('too late to matter'))) };
    case 'mad':
      return { broadcast: () => undefined as unknown as number };
  }
}
