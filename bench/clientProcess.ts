import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A client in a process of its own, as clients are: its work does not slow the server's event loop, and the server's
 * does not delay the moment at which it has something. It answers one question after the other.
 */
export class ClientProcess<Question extends object, Answer extends object> {
  readonly #child: ChildProcess;

  constructor(file: string) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: 'advanced' });
  }

  async ask(question: Question): Promise<Answer> {
    const answered = once(this.#child, 'message');
    const ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`the client process ended with ${code}`);
    });
    this.#child.send(question);
    const [answer] = await Promise.race([answered, ended]);
    return answer as Answer;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
