import { Client } from 'pg';

/** What `statement` counts, asked on a connection of its own. */
export async function countRows(url: string, statement: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(statement);
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
