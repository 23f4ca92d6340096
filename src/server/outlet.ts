import type { LiveFraming } from './liveFraming.ts';

/**
 * Where a client's frames are written. `isBehind`: more waits than a client may have waiting; nothing that can be had
 * later should be written now.
 */
export interface Outlet {
  readonly framing: LiveFraming;
  readonly isOpen: boolean;
  readonly isBehind: boolean;
  /** Frames, as the framing made them. To a closed outlet nothing is written. */
  write(frames: Uint8Array): void;
  /** Resolves when what waits is gone, one way or the other; a client that takes too long is let go. */
  drained(): Promise<void>;
  /** The server failed the client, which should come again. */
  fail(): void;
}
