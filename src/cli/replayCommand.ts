import { systemClock } from '../resilience/clock.ts';
import type { ExitCode } from './failure.ts';
import { openLog } from './openLog.ts';
import type { Output } from './output.ts';
import { AcknowledgementFile } from './replay/acknowledgementFile.ts';
import { Patience } from './replay/patience.ts';
import { Progress } from './replay/progress.ts';
import { replay } from './replay/replay.ts';
import type { ReplayTarget } from './replay/replayTarget.ts';
import { ServerTarget } from './replay/serverTarget.ts';
import { StoreTarget } from './replay/storeTarget.ts';
import { tellSummary } from './replay/summary.ts';
import { readTranscripts } from './replay/transcripts.ts';
import { count, invalidSetting, openNamedStore, setting } from './settings.ts';
import { stopSignal } from './stopSignal.ts';

export interface ReplayCommandOptions {
  readonly store?: string;
  readonly to: string;
  readonly speed: string;
  readonly concurrency: string;
  readonly acks?: string;
  readonly json?: boolean;
}

/** `indelible replay <transcripts.jsonl>`. Fails if a message was refused, or if it was stopped before its end. */
export async function replayCommand(
  path: string,
  options: ReplayCommandOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const concurrency = count(options.concurrency, '--concurrency');
  const speed = options.speed === 'max' ? Number.POSITIVE_INFINITY : messagesPerSecond(options.speed);
  const url = options.to === 'store' ? undefined : serverUrl(options.to);
  const address = setting('store', options.store, environment);
  const transcripts = await readTranscripts(path);
  const total = {
    plans: transcripts.length,
    messages: transcripts.reduce((sum, { messages }) => sum + messages.length, 0),
  };

  const acks = options.acks === undefined ? undefined : new AcknowledgementFile(options.acks);
  const stop = stopSignal();
  const clock = systemClock;
  const progress = new Progress(output, clock, total, options.json ?? false);
  const patience = new Patience(clock, progress, stop);
  let target: ReplayTarget | undefined;
  try {
    if (url !== undefined) target = new ServerTarget(url, patience);
    else
      target = new StoreTarget(
        await openLog(await openNamedStore(address, environment), address, { spool: false }, environment),
        patience,
      );
    const startedAt = clock.monotonic();
    const result = await replay(transcripts, target, {
      concurrency,
      speed,
      clock,
      stop,
      acknowledged: (message, acknowledgement) => {
        acks?.add(message, acknowledgement);
        progress.message();
      },
      planDone: progress.plan,
    });
    progress.end();
    const stopped = stop.aborted || result.away !== undefined;
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    tellSummary({ ...result, to: target.description, given: total.messages, seconds, stopped }, output, options.json);
    if (result.away !== undefined) throw result.away;
    return result.failures.length === 0 && !stopped ? 0 : 1;
  } finally {
    progress.end();
    await target?.close();
    acks?.close();
  }
}

function messagesPerSecond(value: string): number {
  const speed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : 0;
  if (speed > 0) return speed;
  throw invalidSetting('--speed', `is ${JSON.stringify(value)}; it must be max, or a number of messages a second`);
}

function serverUrl(value: string): string {
  const url = URL.parse(value);
  const isServer = url !== null && /^https?:$/.test(url.protocol);
  if (isServer && url.search + url.hash + url.username + url.password === '') return url.href.replace(/\/+$/, '');
  throw invalidSetting('--to', 'must be "store", or the address of a server as http://127.0.0.1:4000');
}
