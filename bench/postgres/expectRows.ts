import { Client } from 'pg';

/** What was acknowledged is in the database, and nothing else. */
export async function expectRows(url: string, acknowledged: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ stored: string }>('SELECT count(*) AS stored FROM indelible.messages');
    const stored = Number(rows[0]?.stored);
    if (stored !== acknowledged) throw new Error(`${acknowledged} messages were acknowledged, ${stored} are stored`);
  } finally {
    await client.end();
  }
}
