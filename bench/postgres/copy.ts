import { Client, type Connection, type Submittable } from 'pg';
import { prepareMessage } from '../../src/protocol/message.ts';
import type { Workload } from '../workload.ts';
import { expectRows } from './rowCount.ts';

const statement = `COPY indelible.messages (plan_id, sequence, message_id, version, revision, body) FROM STDIN`;
const rowsInAChunk = 100;

/**
 * Messages per second by COPY of `count` of them into the product's table, in one transaction. The rows are made before
 * the clock starts: nothing loads faster, and nothing is acknowledged before all of it is.
 */
export async function copyRows(url: string, workload: Workload, count: number): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const chunks = chunksOf(workload, count);
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      client.query(new CopyFrom(chunks, (error) => (error === undefined ? resolve() : reject(error))));
    });
    const tookMs = performance.now() - start;
    await expectRows(url, count);
    return (count / tookMs) * 1000;
  } finally {
    await client.end();
  }
}

function chunksOf(workload: Workload, count: number): Buffer[] {
  const plans = workload.planIds.length;
  const lines = Array.from({ length: count }, (_, n) => {
    const { planId, messageId, body } = prepareMessage(workload.message(n), { now: Date.now });
    return `${planId}\t${Math.floor(n / plans) + 1}\t${messageId}\t1\t0\t${body.replaceAll('\\', '\\\\')}\n`;
  });
  return Array.from({ length: Math.ceil(count / rowsInAChunk) }, (_, chunk) =>
    Buffer.from(lines.slice(chunk * rowsInAChunk, (chunk + 1) * rowsInAChunk).join('')),
  );
}

interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The part of PostgreSQL's COPY protocol that is needed here, as `pg` calls it. */
class CopyFrom implements Submittable {
  readonly #chunks: readonly Buffer[];
  readonly #done: (error?: Error) => void;

  constructor(chunks: readonly Buffer[], done: (error?: Error) => void) {
    this.#chunks = chunks;
    this.#done = done;
  }

  submit(connection: Connection): void {
    (connection as unknown as CopyConnection).query(statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (const chunk of this.#chunks) connection.sendCopyFromChunk(chunk);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#done();
  }

  handleError(error: Error): void {
    this.#done(error);
  }
}
