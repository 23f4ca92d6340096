import { closeSync, openSync, writeSync } from 'node:fs';
import { invalidSetting } from '../settings.ts';
import type { Acknowledgement } from './replayTarget.ts';
import type { TranscriptMessage } from './transcripts.ts';

/**
 * A line of JSON for each message that was acknowledged, written at once: whatever happens to either end later, the
 * file says what the database must hold.
 */
export class AcknowledgementFile {
  readonly #file: number;

  /** Appends to what is there. @throws IndelibleError `invalid_config` */
  constructor(path: string) {
    try {
      this.#file = openSync(path, 'a');
    } catch (cause) {
      throw invalidSetting('--acks', `${path} cannot be written`, cause);
    }
  }

  add({ planId, messageId }: TranscriptMessage, { sequence, duplicate }: Acknowledgement): void {
    writeSync(this.#file, `${JSON.stringify({ plan_id: planId, message_id: messageId, sequence, duplicate })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}
