/** Milliseconds of a clock that all processes and threads of a machine share and that never jumps. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
