/** What `performance.now()` of this thread is behind the machine's own clock. */
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds of a clock that all processes and threads of a machine share and that never jumps. */
export function monotonicMs(): number {
  return performance.now() + offset;
}
