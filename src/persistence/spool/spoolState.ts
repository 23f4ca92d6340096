/** The one row of the table `state`: by it the owner knows whether its counts still hold. See `spoolSchema.ts`. */
export interface SpoolState {
  /** The last id that was given out. */
  readonly lastId: number;
  /** Transactions of the owner. */
  readonly ownerWrites: number;
  /** Transactions of the command line. */
  readonly operatorWrites: number;
}
