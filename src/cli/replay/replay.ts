import { IndelibleError } from '../../protocol/errors.ts';
import type { Clock } from '../../resilience/clock.ts';
import type { Acknowledgement, ReplayTarget } from './replayTarget.ts';
import type { Transcript, TranscriptMessage } from './transcripts.ts';

export interface ReplayOptions {
  /** How many plans are written at the same time. */
  readonly concurrency: number;
  /** Messages a second in each plan; infinity where nothing waits. */
  readonly speed: number;
  readonly clock: Clock;
  /** Aborted: no further message is written. */
  readonly stop: AbortSignal;
  /** Told of each message that is stored, right after its acknowledgement. */
  readonly acknowledged: (message: TranscriptMessage, acknowledgement: Acknowledgement) => void;
  /** Told when a plan is done, whatever became of it. */
  readonly planDone: () => void;
}

export interface ReplayResult {
  /** Plans of which every message is stored. */
  readonly plans: number;
  /** Messages that are in the database: the new ones and the duplicates. */
  readonly messages: number;
  /** New ones. */
  readonly stored: number;
  /** Those that were there before, with the same content. */
  readonly duplicates: number;
  readonly failures: readonly ReplayFailure[];
  /** The target was away for too long, or is none: everything was broken off. */
  readonly away: IndelibleError | undefined;
}

/** A message that was refused; the later ones of its plan were not written, so that none takes another's place. */
export interface ReplayFailure {
  readonly planId: string;
  readonly messageId: string | undefined;
  readonly error: unknown;
}

/**
 * Writes recorded conversations as if their agents wrote them now: each plan's messages in order, each when the one
 * before is stored; several plans side by side, in the order of the file. Since ids come from the file, a replay that
 * is broken off is taken up by giving it again, and one that was complete adds nothing.
 */
export async function replay(
  transcripts: readonly Transcript[],
  target: ReplayTarget,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const total = { plans: 0, stored: 0, duplicates: 0 };
  const failures: ReplayFailure[] = [];
  const waiting = transcripts.values();
  let away: IndelibleError | undefined;
  const writeOneAfterAnother = async () => {
    // One iterator for all: each takes the next plan when it is done with one.
    for (const transcript of waiting) {
      if (options.stop.aborted || away !== undefined) return;
      const failure = await writePlan(transcript, target, options, total);
      if (IndelibleError.is(failure?.error) && failure.error.status === 503) away = failure.error;
      else if (failure !== undefined) failures.push(failure);
      options.planDone();
    }
  };
  const writers = Array.from({ length: Math.min(options.concurrency, transcripts.length) }, writeOneAfterAnother);
  await Promise.all(writers);
  return {
    ...total,
    messages: total.stored + total.duplicates,
    failures,
    away: options.stop.aborted ? undefined : away,
  };
}

async function writePlan(
  transcript: Transcript,
  target: ReplayTarget,
  { speed, clock, stop, acknowledged }: ReplayOptions,
  total: { plans: number; stored: number; duplicates: number },
): Promise<ReplayFailure | undefined> {
  let messageId: string | undefined;
  try {
    await target.begin(transcript);
    const startedAt = clock.monotonic();
    for (const [index, message] of transcript.messages.entries()) {
      await untilTime(startedAt + (index / speed) * 1_000, clock, stop);
      if (stop.aborted) return undefined;
      messageId = message.messageId;
      const acknowledgement = await target.save(message);
      if (acknowledgement.duplicate) total.duplicates++;
      else total.stored++;
      acknowledged(message, acknowledgement);
    }
    messageId = undefined;
    await target.end(transcript);
    total.plans++;
    return undefined;
  } catch (error) {
    return { planId: transcript.planId, messageId, error };
  }
}

function untilTime(time: number, clock: Clock, stop: AbortSignal): Promise<void> | undefined {
  const delayMs = time - clock.monotonic();
  if (delayMs <= 0) return undefined;
  return new Promise((resolve) => {
    const go = () => {
      cancel();
      stop.removeEventListener('abort', go);
      resolve();
    };
    const cancel = clock.schedule(delayMs, go);
    if (stop.aborted) go();
    else stop.addEventListener('abort', go, { once: true });
  });
}
