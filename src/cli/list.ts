import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { planObject, planTable } from './planText.ts';
import { count, setting } from './settings.ts';

export interface ListOptions {
  readonly store?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/** `indelible list`: the plans of a store, newest first. */
export async function list(options: ListOptions, output: Output, environment: NodeJS.ProcessEnv): Promise<ExitCode> {
  const limit = count(options.limit, '--limit');
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  try {
    const found = await store.plans.list({ limit: limit + 1 });
    const plans = found.slice(0, limit);
    if (options.json) output.json(JSON.stringify(plans.map(planObject)));
    else if (plans.length > 0) output.line(planTable(plans, output.width, output.paint));
    else output.note(`${store.description} holds no plans yet`);
    if (found.length > limit) output.note(`There are more: these are the newest ${limit} (--limit).`);
    return 0;
  } finally {
    await store.close();
  }
}
