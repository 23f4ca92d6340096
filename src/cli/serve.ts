import { openCheckpointer } from '../agents/checkpoints/openCheckpointer.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { Runner } from '../runs/runner.ts';
import { packageVersion } from '../server/packageVersion.ts';
import { type RunningServer, type ServerOptions, startServer } from '../server/startServer.ts';
import { commandName } from './commandName.ts';
import { endLate } from './endLate.ts';
import type { ExitCode } from './failure.ts';
import { firstRun, isFirstRun } from './firstRun.ts';
import { openLogger } from './logger.ts';
import { openLog, type SpoolOptions } from './openLog.ts';
import type { Output } from './output.ts';
import { invalidSetting, openNamedStore, portNumber, type Setting, setting } from './settings.ts';
import { aborted, stopSignal, unlessAborted } from './stopSignal.ts';
import { strayErrors } from './strayErrors.ts';
import { teamsOf } from './teams.ts';
import { shownStore, tellWhatToTry } from './whatToTry.ts';

export interface ServeOptions extends SpoolOptions {
  readonly store?: string;
  readonly host?: string;
  readonly port?: string;
  readonly team?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly insecure?: boolean;
  /** False: refuse a database whose tables are missing or older. */
  readonly migrate?: boolean;
}

/**
 * `indelible serve`: until SIGINT or SIGTERM. Then sockets are closed with 1001, runs are told to stop and left to other
 * servers where they can go on, what agents wrote is stored, and the store is closed, in this order and within 10 s. An exception that nobody caught stops it in
 * the same way, as a failure.
 */
export async function serve(options: ServeOptions, output: Output, environment: NodeJS.ProcessEnv): Promise<ExitCode> {
  const asked = stopSignal();
  const logger = openLogger(output, 'info');
  const broken = strayErrors(logger);
  const stop = AbortSignal.any([asked, broken]);
  const host = setting('host', options.host, environment);
  const port = setting('port', options.port, environment);
  const portToTake = portNumber(port);
  const address = setting('store', options.store, environment);
  // Modules and databases of others may take their time, and whoever stops it need not wait for them.
  const teams = await unlessAborted(stop, () => teamsOf(options.team ?? [], environment));
  const migrate = options.migrate ?? true;
  const store = await unlessAborted(stop, () => openNamedStore(address, environment, { migrate }));
  if (teams === undefined || store === undefined) {
    logger.info('stopped before it began');
    return broken.aborted ? 1 : 0;
  }
  const indelible = await openLog(store, address, options, environment, logger);
  const runner = new Runner(indelible, teams, { checkpointer: () => openCheckpointer(address.value, { migrate }) });
  const listen = () =>
    listenAt(host, port, {
      indelible,
      runner,
      host: host.value,
      port: portToTake,
      insecure: options.insecure ?? false,
      ...(options.allowOrigin && { allowedOrigins: options.allowOrigin }),
    });
  let server: RunningServer | undefined;
  try {
    server = await listen();
    output.line(`${output.paint('bold', `Indelible ${packageVersion()}`)} · ${indelible.store.description}\n`);
    if (await isFirstRun(indelible.store)) {
      // Listened once, so that a port that is taken is told before anything runs. Left again, so that nobody is connected.
      await server.close();
      await firstRun(indelible, stop, output);
      if (!stop.aborted) server = await listen();
    }
    if (!stop.aborted) {
      runner.takeUp();
      const [newest] = await indelible.store.plans.list({ limit: 1 });
      const command = commandName(process.argv[1], environment);
      tellWhatToTry(
        { url: server.url, planId: newest?.planId ?? '', command, store: shownStore(address.value) },
        output,
      );
      await aborted(stop);
    }
    logger.info(asked.aborted ? { signal: asked.reason } : {}, 'stopping');
  } finally {
    const late = endLate(logger);
    await server?.close();
    await runner.close(2_000);
    // What waits in memory alone is lost with the process: it is given more time than what is on disk.
    await indelible.close(options.spool === false ? 6_000 : 1_500);
    clearTimeout(late);
  }
  logger.info('stopped');
  return broken.aborted ? 1 : 0;
}

/** Starts the server; what is wrong with its address is told as the option or variable that gave it. */
async function listenAt(host: Setting, port: Setting, options: ServerOptions): Promise<RunningServer> {
  try {
    return await startServer(options);
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    const { cause, code, field, message } = error;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE') {
      const taken = `port ${port.value} of ${host.value} is taken`;
      throw new IndelibleError('port_taken', { message: taken, field: port.field, cause });
    }
    const given = field === 'host' ? host : field === 'port' ? port : undefined;
    if (given !== undefined) throw new IndelibleError(code, { message, field: given.field, cause });
    throw field?.startsWith('allowedOrigins')
      ? invalidSetting('--allow-origin', 'must be an origin, as https://your.app', error)
      : error;
  }
}
