import { checkpointer } from './checkpointer.ts';

/** Threads of 20 messages, each kept with all before it; then the plan goes on in a new thread. */
export const adapter = checkpointer(20);
