import type { Faults } from '../../src/testing/index.ts';

/** A black hole ends after about this long: for those who wait in front of it, after their deadline. */
const hangMs = 30;

/** Sets the script; what it has hang goes on a little later. The answer ends that: call it when all is done. */
export function hangsEnd(faults: Faults, script: NonNullable<Faults['script']>): () => void {
  faults.script = script;
  // Again and again: a call that is under way may come to where it hangs only later.
  const timer = setInterval(() => {
    faults.heal();
    faults.script = script;
  }, hangMs).unref();
  return () => clearInterval(timer);
}
