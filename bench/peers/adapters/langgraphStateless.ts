import { checkpointer } from './checkpointer.ts';

/** A thread for each message, or each batch: a checkpointer that never has any state to write again. */
export const adapter = checkpointer(1);
