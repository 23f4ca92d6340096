import type { Transcript, TranscriptMessage } from './transcripts.ts';

/** Where a replay writes to. All calls wait for a target that is away (`Patience`). */
export interface ReplayTarget {
  /** What it is and where, without secrets. */
  readonly description: string;
  /** Makes the plan, or finds it there. */
  begin(transcript: Transcript): Promise<void>;
  /**
   * Resolves when the message is in the database, and not before. Rejects with an `IndelibleError` if it never will be.
   */
  save(message: TranscriptMessage): Promise<Acknowledgement>;
  /** All messages of the plan are saved: it is completed. */
  end(transcript: Transcript): Promise<void>;
  close(): Promise<void>;
}

/** A message is stored. */
export interface Acknowledgement {
  readonly sequence: number;
  /** It was there before, with the same content. */
  readonly duplicate: boolean;
}
