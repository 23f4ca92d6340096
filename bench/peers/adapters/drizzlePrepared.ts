import { sql } from 'drizzle-orm';
import { drizzleInsert } from './drizzleInsert.ts';

/** Prepared once, as Drizzle's page on performance advises. */
export const adapter = drizzleInsert(({ db, messages }) => {
  const insert = db
    .insert(messages)
    .values({
      planId: sql.placeholder('planId'),
      agentName: sql.placeholder('agentName'),
      agentType: sql.placeholder('agentType'),
      content: sql.placeholder('content'),
      metadata: sql.placeholder('metadata'),
    })
    .prepare('insert_message');
  return async (row) => {
    await insert.execute({ ...row });
  };
});
