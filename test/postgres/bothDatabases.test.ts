import { describe, expect, it, onTestFinished } from 'vitest';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyMessages, differingBodies } from './bothDatabases.ts';
import { seed } from './seed.ts';

describe('P21: SQLite and PostgreSQL', () => {
  it('give back 500 random JSON values to the same characters', async () => {
    const stores = await Promise.all(
      storesUnderTest.map(async ({ create }) => {
        const database = await create();
        onTestFinished(() => database.drop());
        return await database.open();
      }),
    );
    expect(stores.map(({ description }) => description.split(':')[0])).toEqual(['sqlite', 'postgres']);
    const messages = anyMessages(500, seed);
    expect(
      await differingBodies(
        stores.map(({ log }) => log),
        messages,
      ),
      `SEED=${seed}`,
    ).toEqual([]);
  });
});
