import { drizzleInsert } from './drizzleInsert.ts';

/** The builder, each time. */
export const adapter = drizzleInsert(({ db, messages }) => async (row) => {
  await db.insert(messages).values(row);
});
