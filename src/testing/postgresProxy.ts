import { CommitWatch } from './proxy/commitWatch.ts';
import { type Cut, type CutMoment, PlannedCuts, writes } from './proxy/plannedCuts.ts';
import { TcpProxy, type TcpProxyOptions } from './tcpProxy.ts';

export type PostgresProxyOptions = Omit<TcpProxyOptions, 'inspect'>;

/** A proxy for clients of PostgreSQL that do not encrypt. */
export async function startPostgresProxy(options: PostgresProxyOptions): Promise<PostgresProxy> {
  const proxy = new PostgresProxy(options, new PlannedCuts());
  await proxy.open();
  return proxy;
}

/** A {@link TcpProxy} that also knows when a client of PostgreSQL commits. */
export class PostgresProxy extends TcpProxy {
  readonly #cuts: PlannedCuts;

  constructor(options: PostgresProxyOptions, cuts: PlannedCuts) {
    super({ ...options, inspect: () => new CommitWatch(cuts) });
    this.#cuts = cuts;
  }

  /**
   * Cuts the connection of the next transaction in which a statement matches, around its commit; by default one that
   * writes. A transaction may be one statement by itself. Resolves when it was done, with what was cut; `undefined` if
   * `pass` or `close` came first. Several may be planned; `pass` forgets them.
   *
   * `after` waits for a commit that succeeds: the answer to one that fails goes to the client, and the cut is still to
   * come.
   */
  cutNext(moment: CutMoment, matches: (sql: string) => boolean = writes): Promise<Cut | undefined> {
    return this.#cuts.plan(moment, matches);
  }

  override pass(): Promise<void> {
    this.#cuts.cancel();
    return super.pass();
  }

  override close(): Promise<void> {
    this.#cuts.cancel();
    return super.close();
  }
}
