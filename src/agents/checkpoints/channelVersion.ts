/**
 * The version of a channel that follows `current`: always greater, and its own, so that two branches of one thread never
 * give the same version to different values. LangGraph's default (`current + 1`) does: after a fork (`updateState` or a
 * run from an earlier checkpoint) both branches count on from the same number, and a saver that keeps values by channel
 * and version answers one branch with the other's state.
 *
 * A count with a random fraction: numbers, so that threads begun with whole ones go on, and so that order is plain.
 */
export function nextChannelVersion(current: number | undefined, random: () => number): number {
  return Math.floor(current ?? 0) + 1 + Math.floor(random() * 2 ** 32) / 2 ** 32;
}
