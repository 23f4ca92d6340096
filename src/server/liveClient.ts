/** A client of `indelible.v1`, by whatever transport: what the server needs to know of it. */
export interface LiveClient {
  readonly userId: string;
  /** Resolves when it is gone. */
  readonly ended: Promise<unknown>;
  /** Tells it that the server is going away. */
  close(): void;
  /** Cuts it off. */
  terminate(): void;
}
