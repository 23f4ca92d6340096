import { warn } from './boundedSave.ts';

/** Recording must not harm what it records: what goes wrong in `action` is told as a process warning, and is undefined. */
export function unharmed<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    warn(`a message could not be recorded: ${String(error)}`);
    return undefined;
  }
}
