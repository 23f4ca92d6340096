import { createInterface } from 'node:readline/promises';
import { IndelibleError } from '../protocol/errors.ts';
import type { Output } from './output.ts';
import { withRemedy } from './remedy.ts';

/**
 * Whether what cannot be undone is wanted: asked on the terminal, where only `y` or `yes` means so. Where nobody can be
 * asked it is not taken for wanted.
 *
 * @throws IndelibleError `invalid_config` where there is no terminal
 */
export async function confirmed(question: string, output: Output): Promise<boolean> {
  if (!process.stdin.isTTY || output.noteTerminal === undefined) {
    const error = new IndelibleError('invalid_config', { message: `${question} Nobody can be asked.`, field: '--yes' });
    throw withRemedy(error, 'Give `--yes` if it is wanted.');
  }
  const terminal = createInterface({ input: process.stdin, output: output.noteTerminal });
  try {
    // The end of the input means no.
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
