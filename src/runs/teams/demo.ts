import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext, Team } from '../team.ts';

export interface DemoTeamOptions {
  /** Waits between two things the agents do. Rejects when `signal` is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

const planner = 'Planner';
const researcher = 'Researcher';
const writer = 'Writer';
const tool = 'count_words';
const toolCallId = 'call_1';
const totalSteps = 4;
const wordPauseMs = 15;
/** Of a very long task only the beginning is counted, in characters. */
const maxCounted = 5_000;

/**
 * A team for a first look: scripted agents that work offline and ask no model, and whose first message says so. What
 * they say of the task is true, and little: they count its words. They write all there is to see: plain messages, a tool
 * call without text, its result, progress, and an answer that streams. It takes a second or two.
 */
export function createDemoTeam({ pause = sleepUnlessStopped }: DemoTeamOptions = {}): Team {
  return {
    id: 'demo',
    name: 'Demo team',
    description: 'Scripted agents that show how a run looks. Works offline; no model is asked.',
    agents: [
      { name: planner, description: 'Says what the team is and what it will do. Scripted.' },
      { name: researcher, description: 'Counts the words of the task with a tool. Scripted.' },
      { name: writer, description: 'Writes the answer, word by word. Scripted.' },
    ],
    repeatable: true,
    async run(context) {
      const { description: task, signal } = context;
      const step = async (currentStep: number, agentName: string, description: string) => {
        signal.throwIfAborted();
        context.progress({ currentStep, totalSteps, agentName, description });
        await pause(200, signal);
      };

      await step(1, planner, 'Says what this is');
      await context.say({ agentName: planner, content: introduction(task) });

      await step(2, researcher, 'Calls a tool');
      const counted = countWords(task);
      const call = { id: toolCallId, name: tool, args: { text: counted.text } };
      await context.say({ agentName: researcher, content: '', metadata: { tool_calls: [call] } });
      await pause(150, signal);
      const result = JSON.stringify({ words: counted.words, longest: counted.longest });
      await context.say({
        agentName: tool,
        agentType: 'tool',
        content: result,
        metadata: { tool_call_id: toolCallId },
      });

      await step(3, researcher, 'Reads the result');
      await context.say({ agentName: researcher, content: finding(counted) });

      await step(4, writer, 'Writes the answer');
      const content = answer(task, counted);
      await streamThenSave(context, content, () => pause(wordPauseMs, signal));
      return { agentName: writer, content };
    },
  };
}

export const demoTeam: Team = createDemoTeam();

/** Shows the text word by word, then saves it whole: with somebody watching or not, one message is stored. */
async function streamThenSave(
  { log, planId, ...context }: RunContext,
  content: string,
  pause: () => Promise<unknown>,
): Promise<void> {
  const messageId = context.messageId();
  log.live?.streamStarted(planId, messageId, writer);
  for (const word of content.match(/\s*\S+/g) ?? []) {
    log.live?.streamDelta(planId, messageId, writer, word);
    await pause();
  }
  log.live?.streamEnded(planId, messageId, writer, content);
  await log.save({ planId, messageId, agentName: writer, content });
}

interface WordCount {
  /** What was counted. */
  readonly text: string;
  readonly isWhole: boolean;
  readonly words: number;
  readonly longest: string;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

function countWords(task: string): WordCount {
  const text = beginning(task, maxCounted);
  const words = Array.from(segmenter.segment(text)).flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []));
  const longest = words.reduce((most, word) => (word.length > most.length ? word : most), '');
  return { text, isWhole: text === task, words: words.length, longest };
}

function introduction(task: string): string {
  return (
    'This is the demo team: scripted demonstration agents, no model is asked. The task was given as ' +
    `${quote(task, 200)}, and nobody here will work on it. We count its words instead, so that you see messages, a tool ` +
    'call, its result and an answer that streams.'
  );
}

function finding(counted: WordCount): string {
  if (counted.words === 0) return 'The tool found no words.';
  const where = counted.isWhole ? 'The task has' : `The first ${maxCounted} characters of the task have`;
  return `${where} ${wordsOf(counted)}; the longest is ${quote(counted.longest, 60)}.`;
}

function answer(task: string, counted: WordCount): string {
  const kind = /[?？؟]\s*$/.test(task) ? 'You asked a question' : 'You gave a task';
  return (
    `${kind} of ${counted.isWhole ? '' : 'at least '}${wordsOf(counted)}. A team with a model would work on it now; this ` +
    'one is scripted, so here is what is true of any team: every message of this run was stored before anybody could ' +
    'read it, with somebody watching or not.'
  );
}

function wordsOf({ words }: WordCount): string {
  return words === 1 ? '1 word' : `${words} words`;
}

function quote(text: string, limit: number): string {
  const shown = beginning(text, limit);
  return `“${shown}${shown === text ? '' : '…'}”`;
}

/** Up to `limit` characters, without half a surrogate pair at the cut. */
function beginning(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return text.slice(0, limit).replace(/[\ud800-\udbff]$/, '');
}

async function sleepUnlessStopped(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}
