import { asJson } from '../failure.ts';
import type { Output } from '../output.ts';
import { messages, plans } from '../planText.ts';
import { onOneLine } from '../terminalText.ts';
import type { ReplayResult } from './replay.ts';

export interface ReplaySummary extends ReplayResult {
  /** Where it was written to. */
  readonly to: string;
  /** Messages in the file. */
  readonly given: number;
  readonly seconds: number;
  /** It was broken off. */
  readonly stopped: boolean;
}

const shownFailures = 10;

/** What became of a replay: two lines for people, or one JSON object. */
export function tellSummary(summary: ReplaySummary, output: Output, json = false): void {
  if (json) output.json(JSON.stringify(summaryObject(summary)));
  else tellInWords(summary, output);
}

function summaryObject({ to, plans, messages, stored, duplicates, seconds, stopped, failures }: ReplaySummary) {
  return {
    to,
    plans,
    messages,
    stored,
    duplicates,
    seconds: Number(seconds.toFixed(3)),
    stopped,
    failures: failures.map(({ planId, messageId, error }) => ({
      plan_id: planId,
      message_id: messageId ?? null,
      error: asJson(error),
    })),
  };
}

function tellInWords(summary: ReplaySummary, output: Output): void {
  const { failures, seconds } = summary;
  for (const { planId, messageId, error } of failures.slice(0, shownFailures)) {
    const where = onOneLine(messageId ?? planId);
    output.note(`${output.paintNote('red', 'refused:')} ${where}: ${onOneLine(String(asJson(error)['message']))}`);
  }
  if (failures.length > shownFailures) output.note(`… and in ${plans(failures.length - shownFailures)} more`);
  const parts = `${summary.stored.toLocaleString('en')} new, ${summary.duplicates.toLocaleString('en')} there already`;
  output.line(`${plans(summary.plans)}, ${messages(summary.messages)} in ${summary.to}: ${parts}.`);
  const rate = Math.round(summary.messages / Math.max(seconds, 0.001));
  output.line(`${seconds.toFixed(2)} s, ${rate.toLocaleString('en')} messages a second.`);
  const missing = summary.given - summary.messages;
  if (missing > 0) output.note(`${messages(missing)} not written. Replay again to go on: nothing is written twice.`);
}
