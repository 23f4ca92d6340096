import { MockLanguageModelV4 } from 'ai/test';

type Stream = Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'];
type Part = Stream extends ReadableStream<infer P> ? P : never;
type Generated = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>;

/** What a scripted model does: says a part, waits, or breaks. */
export type Step = Part | (() => Promise<void>) | Error;

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};

export const finish = (unified: 'stop' | 'tool-calls' = 'stop'): Part => ({
  type: 'finish',
  usage,
  finishReason: { unified, raw: unified },
});

/** A text, word by word; with a wait where one is given. */
export function words(text: string, wait?: { readonly after: string; readonly for: () => Promise<void> }): Step[] {
  const steps: Step[] = [{ type: 'text-start', id: '1' }];
  for (const delta of text.split(/(?<= )/)) {
    steps.push({ type: 'text-delta', id: '1', delta });
    if (wait?.after === delta.trim()) steps.push(wait.for);
  }
  return [...steps, { type: 'text-end', id: '1' }];
}

export const says = (text: string): Step[] => [...words(text), finish()];

export const calls = (name: string, args: unknown, id: string): Step[] => [
  { type: 'tool-call', toolCallId: id, toolName: name, input: JSON.stringify(args) },
  finish('tool-calls'),
];

/** The AI SDK's own fake model, by a script: one list of steps for each call, streamed or not. */
export function scriptedModel(...script: readonly (readonly Step[])[]): MockLanguageModelV4 {
  let turn = 0;
  const next = (): readonly Step[] => script[turn++] ?? [new Error('the script is over')];
  return new MockLanguageModelV4({
    doStream: async () => ({ stream: streamed(next()) }),
    doGenerate: async () => generated(next()),
  });
}

function streamed(steps: readonly Step[]): Stream {
  let place = 0;
  return new ReadableStream<Part>({
    async pull(controller) {
      const step = steps[place++];
      if (step === undefined) return controller.close();
      if (step instanceof Error) return controller.error(step);
      if (typeof step !== 'function') return controller.enqueue(step);
      await step();
      return this.pull?.(controller);
    },
  });
}

function generated(steps: readonly Step[]): Generated {
  const content: Generated['content'] = [];
  let text = '';
  for (const step of steps) {
    if (step instanceof Error) throw step;
    if (typeof step === 'function') continue;
    if (step.type === 'text-delta') text += step.delta;
    if (step.type === 'tool-call') content.push(step);
  }
  if (text !== '') content.unshift({ type: 'text', text });
  const end = steps.find((step) => 'type' in step && step.type === 'finish') as Extract<Part, { type: 'finish' }>;
  return { content, finishReason: end.finishReason, usage, warnings: [] };
}

/** Something a script waits for until the test lets it go on. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  readonly pass = async (): Promise<void> => {
    this.#reached.resolve();
    await this.#opened.promise;
  };

  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}
