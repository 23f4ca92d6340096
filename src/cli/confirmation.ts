import { createInterface } from 'node:readline/promises';
import { invalidSetting } from './settings.ts';

/**
 * Asks a person at the terminal; only "y" and "yes" mean yes, and the end of the input means no.
 *
 * @throws IndelibleError `invalid_config` where there is no terminal: a script says `--yes`
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw invalidSetting('--yes', 'must be given where there is no terminal to ask at');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
