import type { NewMessage } from '../../src/protocol/message.ts';

/** Where a contender stores: both are empty, its own, and gone after the measurement. */
export interface Place {
  /** A database on PostgreSQL. */
  readonly url: string;
  /** A folder for files. */
  readonly directory: string;
}

/** A library, used as its documentation says, told by what the bench asks of it. */
export interface Adapter {
  /** Makes its tables, and whatever a plan needs before its first message. */
  open(place: Place, planIds: readonly string[]): Promise<OpenAdapter>;
}

export interface OpenAdapter {
  /** Stores a message: resolves when it is durable as the library gives it, else rejects. */
  save(message: NewMessage): Promise<void>;
  /** Stores several messages of one plan, in order, by one call of the library. Missing where it has no such call. */
  saveAll?(messages: readonly NewMessage[]): Promise<void>;
  /** How many messages are there, asked of the database or of the files and not of the library's memory. */
  stored(): Promise<number>;
  /** It does its work in a process that is neither this one nor PostgreSQL: what CPU it takes is not counted. */
  readonly servedElsewhere?: boolean;
  close(): Promise<void>;
}
