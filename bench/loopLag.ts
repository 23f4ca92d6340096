import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the event loop was away, in ms, looked at every millisecond: an idle loop reads 1.1. */
export interface LoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export async function measuringLoopLag<T>(action: () => Promise<T>): Promise<{ result: T; lag: LoopLag }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const result = await action();
  histogram.disable();
  const at = (share: number) => histogram.percentile(share) / 1e6;
  return { result, lag: { p50: at(50), p99: at(99), max: histogram.max / 1e6 } };
}
