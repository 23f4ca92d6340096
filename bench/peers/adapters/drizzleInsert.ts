import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { bigint, index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { Pool } from 'pg';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

/** As small as a table of messages can be that is read in order, plan by plan: no id of the message's own. */
const messages = pgTable(
  'messages',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    planId: text('plan_id').notNull(),
    agentName: text('agent_name').notNull(),
    agentType: text('agent_type').notNull(),
    content: text().notNull(),
    metadata: jsonb().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('messages_by_plan').on(table.planId, table.id)],
);

const createTable = `
  CREATE TABLE messages (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    plan_id text NOT NULL,
    agent_name text NOT NULL,
    agent_type text NOT NULL,
    content text NOT NULL,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX messages_by_plan ON messages (plan_id, id);`;

type Row = typeof messages.$inferInsert;

interface Table {
  readonly db: NodePgDatabase;
  readonly messages: typeof messages;
}

/** One table, a pool of 10, one INSERT for each message, made by `prepare`; a batch is one INSERT of several rows. */
export function drizzleInsert(prepare: (table: Table) => (row: Row) => Promise<void>): Adapter {
  return {
    async open({ url }) {
      const pool = new Pool({ connectionString: url, max: 10 });
      await pool.query(createTable);
      const db = drizzle({ client: pool });
      const insert = prepare({ db, messages });
      return {
        save: (message) => insert(toRow(message)),
        async saveAll(batch) {
          await db.insert(messages).values(batch.map(toRow));
        },
        stored: () => countRows(url, 'SELECT count(*) FROM messages'),
        close: () => pool.end(),
      };
    },
  };
}

function toRow({ planId, agentName, agentType = 'agent', content, metadata = {} }: NewMessage): Row {
  return { planId, agentName, agentType, content, metadata };
}
