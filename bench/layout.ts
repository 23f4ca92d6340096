import { openDatabase } from '../src/store/sqlite/database.ts';
import { type MessageKey, toMessageKey } from '../src/store/sqlite/messageKey.ts';

/** A way to lay out the messages in SQLite: what it takes to insert one and to read a plan. */
export interface Layout {
  readonly name: string;
  readonly tables: string;
  /** Parameters: plan, sequence, message id, body. */
  readonly insert: string;
  /** Parameters: plan, the sequence to read behind, how many. */
  readonly read: string;
  /** The plan is kept as text. */
  readonly textPlan?: boolean;
  /** How ids are kept. */
  readonly key: (messageId: string) => MessageKey;
}

const rest = 'message_id ANY NOT NULL, version INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL';
const byRevision = 'CREATE INDEX messages_by_revision ON messages (plan, revision) WHERE revision > 0;';
const insert = (...ids: readonly string[]) =>
  `INSERT INTO messages (plan, sequence, message_id, version, revision, body) VALUES (?1, ?2, ?3, 1, 0, ?4)
   ${ids.map((id) => `ON CONFLICT ${id} DO NOTHING`).join(' ')}`;
const read = `SELECT sequence, message_id, version, revision, body FROM messages
  WHERE plan = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3`;

/** A UUID of any version as its 16 bytes, any other id as text. */
const compact = (id: string): MessageKey =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id;

const rowidTable = `CREATE TABLE messages (plan INTEGER NOT NULL, sequence INTEGER NOT NULL, ${rest}) STRICT;
  CREATE UNIQUE INDEX messages_by_place ON messages (plan, sequence);
  ${byRevision}`;

export const layouts: readonly Layout[] = [
  {
    name: 'as it is',
    tables: tablesOfTheProduct(),
    insert: insert(
      `(message_id, plan) WHERE typeof(message_id) = 'blob'`,
      `(plan, message_id) WHERE typeof(message_id) = 'text'`,
    ),
    read,
    key: toMessageKey,
  },
  {
    name: 'one index of ids, by id first',
    tables: `${rowidTable} CREATE UNIQUE INDEX messages_by_id ON messages (message_id, plan);`,
    insert: insert('(message_id, plan)'),
    read,
    key: compact,
  },
  {
    name: 'one index of ids, by plan first',
    tables: `${rowidTable} CREATE UNIQUE INDEX messages_by_id ON messages (plan, message_id);`,
    insert: insert('(plan, message_id)'),
    read,
    key: compact,
  },
  {
    name: 'clustered by (plan, sequence), WITHOUT ROWID',
    tables: `CREATE TABLE messages (plan INTEGER NOT NULL, sequence INTEGER NOT NULL, ${rest}, PRIMARY KEY (plan, sequence))
      STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX messages_by_id ON messages (message_id, plan);
      ${byRevision}`,
    insert: insert('(message_id, plan)'),
    read,
    key: compact,
  },
  {
    name: 'clustered by a rowid made of plan and sequence',
    tables: `CREATE TABLE messages (place INTEGER PRIMARY KEY, plan INTEGER NOT NULL, ${rest}) STRICT;
      CREATE UNIQUE INDEX messages_by_id ON messages (message_id, plan);
      ${byRevision}`,
    insert: `INSERT INTO messages (place, plan, message_id, version, revision, body)
      VALUES (?1 << 32 | ?2, ?1, ?3, 1, 0, ?4) ON CONFLICT (message_id, plan) DO NOTHING`,
    read: `SELECT place & 0xffffffff AS sequence, message_id, version, revision, body FROM messages
      WHERE place > (?1 << 32 | ?2) AND place <= (?1 << 32 | 0xffffffff) ORDER BY place LIMIT ?3`,
    key: compact,
  },
  {
    name: 'text keys, clustered by (plan, sequence)',
    tables: `CREATE TABLE messages (plan TEXT NOT NULL, sequence INTEGER NOT NULL, ${rest}, PRIMARY KEY (plan, sequence))
      STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX messages_by_id ON messages (plan, message_id);
      ${byRevision}`,
    insert: insert('(plan, message_id)'),
    read,
    textPlan: true,
    key: (id) => id,
  },
];

/** The statements of the migrations themselves, so that "as it is" is what it says. */
function tablesOfTheProduct(): string {
  const db = openDatabase(':memory:');
  const statements = db.prepare(`SELECT sql FROM sqlite_schema WHERE tbl_name = 'messages' AND sql IS NOT NULL`).all();
  db.close();
  return statements.map(({ sql }) => `${sql};`).join('\n');
}
