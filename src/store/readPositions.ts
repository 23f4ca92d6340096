/** How far each user has read each plan. Only ever moves on. What one user has read says nothing of another. */
export interface ReadPositions {
  /**
   * The user has read the plan up to `sequence`. Answers up to where it is read now: further, if it was before; never
   * beyond the plan's last message. Tells other processes, see `Store.onRecordChange`.
   */
  advance(userId: string, planId: string, sequence: number): Promise<number>;
  /**
   * For each of the plans, in one query, up to where the user has read it and how many messages are behind that.
   * Messages that were trimmed are not counted: nobody can read them.
   */
  unread(userId: string, planIds: readonly string[]): Promise<ReadonlyMap<string, Unread>>;
}

export interface Unread {
  /** 0: nothing yet. */
  readonly read: number;
  readonly unread: number;
}
