import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A client in a process of its own, as clients are: its work does not slow the server's event loop, and the server's
 * does not delay the moment at which it has something. It answers one question after the other.
 */
export class ClientProcess<Question extends object, Answer extends object> {
  readonly #child: ChildProcess;
  /** Rejects when the process is gone. */
  readonly #gone: Promise<never>;

  constructor(file: string) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: 'advanced' });
    this.#gone = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`the client process ended with ${code}`);
    });
    this.#gone.catch(() => {}); // whoever asks is told
  }

  async ask(question: Question): Promise<Answer> {
    const answered = once(this.#child, 'message');
    this.#child.send(question);
    const [answer] = await Promise.race([answered, this.#gone]);
    return answer as Answer;
  }

  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#gone.catch(() => {});
  }
}
