/** What sends messages to those who watch: Indelible, or the least that would do. */
export interface Contender {
  readonly port: number;
  /** How to watch: the path, what is said first, and how many frames answer that. */
  readonly path: string;
  readonly hello: string;
  readonly answers: number;
  /** Sends so many messages to all who watch: as a busy system does, or one after the other. */
  send(count: number, how: 'burst' | 'single'): Promise<void>;
  close(): Promise<void>;
}

export const planId = 'plan-000000';
/** Messages that go out in one turn of the loop, where a burst is made by hand: what a commit holds under load. */
export const burstSize = 64;
