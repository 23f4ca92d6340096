import { Client } from 'pg';

export async function countRows(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ stored: string }>('SELECT count(*) AS stored FROM indelible.messages');
    return Number(rows[0]?.stored);
  } finally {
    await client.end();
  }
}

/** What was acknowledged is in the database, and nothing else. */
export async function expectRows(url: string, acknowledged: number): Promise<void> {
  const stored = await countRows(url);
  if (stored !== acknowledged) throw new Error(`${acknowledged} messages were acknowledged, ${stored} are stored`);
}
