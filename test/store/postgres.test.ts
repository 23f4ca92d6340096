import { openPostgresStore } from 'indelible/postgres';
import { storeContract } from 'indelible/testing';
import { describe, it, onTestFinished } from 'vitest';
import { testPostgres } from '../postgres.ts';

describe('the store on PostgreSQL keeps the contract', () => {
  it.each(storeContract())('$promise: $name', async (test) => {
    const { url, drop } = await testPostgres();
    onTestFinished(drop);
    await test.run(() => openPostgresStore(url));
  });
});
