import { openIndelible } from '../agents/indelible.ts';
import { systemClock } from '../resilience/clock.ts';
import { asJson, type ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { AcknowledgementFile } from './replay/acknowledgementFile.ts';
import { Patience } from './replay/patience.ts';
import { Progress } from './replay/progress.ts';
import { type ReplayResult, replay } from './replay/replay.ts';
import type { ReplayTarget } from './replay/replayTarget.ts';
import { ServerTarget } from './replay/serverTarget.ts';
import { StoreTarget } from './replay/storeTarget.ts';
import { readTranscripts } from './replay/transcripts.ts';
import { count, invalidSetting, openNamedStore, setting } from './settings.ts';
import { stopSignal } from './stopSignal.ts';
import { onOneLine } from './terminalText.ts';

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
  const transcripts = await readTranscripts(path);
  const total = {
    plans: transcripts.length,
    messages: transcripts.reduce((sum, { messages }) => sum + messages.length, 0),
  };

  const acks = options.acks === undefined ? undefined : new AcknowledgementFile(options.acks);
  const stop = stopSignal();
  const clock = systemClock;
  const progress = new Progress(output, clock, total);
  const patience = new Patience(clock, progress, stop);
  let target: ReplayTarget | undefined;
  try {
    target =
      url === undefined
        ? new StoreTarget(
            await openIndelible({ store: await openNamedStore(setting('store', options.store, environment)) }),
            patience,
          )
        : new ServerTarget(url, patience);
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
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    progress.end();
    if (options.json) output.line(JSON.stringify(summaryObject(result, target.description, seconds, stop.aborted)));
    else tellSummary(result, target.description, seconds, total.messages, output);
    return result.failures.length === 0 && !stop.aborted ? 0 : 1;
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
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === ''
  ) {
    return url.href.replace(/\/+$/, '');
  }
  throw invalidSetting(
    '--to',
    `is ${JSON.stringify(value)}; it must be "store", or the address of a server as http://127.0.0.1:4000`,
  );
}

function summaryObject(result: ReplayResult, to: string, seconds: number, stopped: boolean): Record<string, unknown> {
  const { plans, messages, stored, duplicates, failures } = result;
  return {
    to,
    plans,
    messages,
    stored,
    duplicates,
    seconds: Math.round(seconds * 1_000) / 1_000,
    stopped,
    failures: failures.map(({ planId, messageId, error }) => ({
      plan_id: planId,
      message_id: messageId ?? null,
      error: asJson(error),
    })),
  };
}

const shownFailures = 10;

function tellSummary(result: ReplayResult, to: string, seconds: number, total: number, output: Output): void {
  const { plans, stored, duplicates, failures } = result;
  for (const { planId, messageId, error } of failures.slice(0, shownFailures)) {
    const { message } = asJson(error);
    output.note(
      `${output.paintNote('red', 'refused:')} ${onOneLine(messageId ?? planId)}: ${onOneLine(String(message))}`,
    );
  }
  if (failures.length > shownFailures) output.note(`and ${failures.length - shownFailures} more plans`);
  const rate = seconds > 0 ? Math.round(result.messages / seconds).toLocaleString('en') : '∞';
  output.line(
    `${plans} plans, ${messages(result.messages)} in ${to}: ${stored.toLocaleString('en')} new, ${duplicates.toLocaleString('en')} were there already.`,
  );
  output.line(`${seconds.toFixed(2)} s, ${rate} messages a second.`);
  const missing = total - result.messages;
  if (missing > 0)
    output.note(`${messages(missing)} not written. Give the command again to go on: nothing is written twice.`);
}
