import type { History } from '../../src/testing/history.ts';

/** Files in a folder that messages are saved to, and that must hold what was acknowledged whatever became of the machine. */
export interface Durable {
  readonly name: string;
  /** For the writer. */
  address(folder: string): string;
  /** The file in the folder that its others are named after. */
  file(folder: string): string;
  /** What of the history does not hold in the folder, one sentence each. Saves there, too: it must be possible. */
  violations(folder: string, history: History): Promise<string[]>;
  /** The code of the error of whoever cannot open it now. */
  readonly unavailable: string;
}
