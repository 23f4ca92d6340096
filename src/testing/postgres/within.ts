import { IndelibleError } from '../../protocol/errors.ts';

const lookEveryMs = 10;

/** Looks again and again until `what` is true. Rejects with `store_unavailable` if it is not within `patienceMs`. */
export async function within(
  patienceMs: number,
  what: string,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) {
      throw new IndelibleError('store_unavailable', { message: `waited ${patienceMs} ms in vain until ${what}` });
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
