import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Call {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Another program than the command itself. */
  readonly program?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command, in a process of its own, straight from its source. Killed when the test is over. */
export class CommandLine {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #over = false;

  constructor(args: readonly string[], { cwd, env = {}, stdin, program = main }: Call) {
    this.#child = spawn(process.execPath, [program, ...args], { cwd, env: { ...environment(), ...env } });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#look();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#look();
    });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.end(stdin);
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#over = true;
        this.#look();
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** What of stdout matches, as soon as something does. Rejects if the process ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#told(pattern, () => this.#stdout);
  }

  /** The same of stderr. */
  noted(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#told(pattern, () => this.#stderr);
  }

  #told(pattern: RegExp, text: () => string): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(text());
        if (found !== null) resolve(found);
        else if (this.#over)
          reject(new Error(`it ended without printing ${pattern}\n${this.#stdout}\n${this.#stderr}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Nobody reads what it prints from now on: what `| head` does. */
  stopReading(): void {
    this.#child.stdout?.destroy();
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return await this.ended;
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** Gives a command and waits for its end. */
export function indelible(args: readonly string[], call: Call): Promise<Ended> {
  return new CommandLine(args, call).ended;
}

/** That of the tests, without anything the command would take as a setting. */
function environment(): NodeJS.ProcessEnv {
  const settings = /^(HOST|PORT|INDELIBLE_.*|OPENAI_.*|NO_COLOR|FORCE_COLOR|npm_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name)));
}
