import type { ErrorCode } from '../protocol/errors.ts';

/** After so many texts that are not JSON it is no client of ours. */
const maxInvalidJson = 3;

export interface InboundJsonOptions {
  readonly refuse: (code: ErrorCode) => void;
  readonly close: (code: number, reason: string) => void;
}

/** What a client sends, as JSON. What is none is refused, the third time with the socket; bytes close it at once. */
export class InboundJson {
  readonly #options: InboundJsonOptions;
  #invalid = 0;

  constructor(options: InboundJsonOptions) {
    this.#options = options;
  }

  /** Undefined: it was answered. */
  parse(data: Buffer, isBinary: boolean): { readonly value: unknown } | undefined {
    const { refuse, close } = this.#options;
    if (isBinary) {
      close(1003, 'frames are text');
      return undefined;
    }
    try {
      return { value: JSON.parse(data.toString()) };
    } catch {
      refuse('invalid_json');
      this.#invalid++;
      if (this.#invalid === maxInvalidJson) close(1008, 'frames are JSON');
      return undefined;
    }
  }
}
