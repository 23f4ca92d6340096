import type { Logger } from 'pino';
import { openIndelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { Runner } from '../runs/runner.ts';
import { packageVersion } from '../server/packageVersion.ts';
import { type RunningServer, type ServerOptions, startServer } from '../server/startServer.ts';
import { commandName } from './commandName.ts';
import type { ExitCode } from './failure.ts';
import { firstRun, isFirstRun } from './firstRun.ts';
import { openLogger } from './logger.ts';
import type { Output } from './output.ts';
import { defaults, invalidSetting, openNamedStore, portNumber, type Setting, setting } from './settings.ts';
import { aborted, stopSignal } from './stopSignal.ts';
import { teamsOf } from './teams.ts';
import { tellWhatToTry } from './whatToTry.ts';

export interface ServeOptions {
  readonly store?: string;
  readonly host?: string;
  readonly port?: string;
  readonly team?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly insecure?: boolean;
  /** False: refuse a database whose tables are missing or older. */
  readonly migrate?: boolean;
}

/** After this the process ends, whatever still runs, in ms. What was acknowledged is stored by then, as always. */
const stopWithinMs = 9_500;

/**
 * `indelible serve`: until SIGINT or SIGTERM. Then sockets are closed with 1001, runs are told to stop, what agents
 * wrote is stored, and the store is closed, in this order and within 10 s.
 */
export async function serve(options: ServeOptions, output: Output, environment: NodeJS.ProcessEnv): Promise<ExitCode> {
  const host = setting('host', options.host, environment);
  const port = setting('port', options.port, environment);
  const portToTake = portNumber(port);
  const address = setting('store', options.store, environment);
  const teams = await teamsOf(options.team ?? [], environment);
  const logger = openLogger(output, 'info');
  const stop = stopSignal();

  const store = await openNamedStore(address, environment, { migrate: options.migrate ?? true });
  const indelible = await openIndelible({ store, logger });
  const runner = new Runner(indelible, teams);
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
      const [newest] = await indelible.store.plans.list({ limit: 1 });
      const isDefault = address.value === defaults.store;
      const named = isDefault || !address.value.startsWith('sqlite:') ? undefined : address.value;
      const command = commandName(process.argv[1], environment);
      tellWhatToTry({ url: server.url, planId: newest?.planId ?? '', command, store: named }, output);
      await aborted(stop);
    }
    logger.info({ signal: stop.reason }, 'stopping');
  } finally {
    const late = endLate(logger);
    await server?.close();
    await runner.close(3_000);
    await indelible.close();
    clearTimeout(late);
  }
  logger.info('stopped');
  return 0;
}

function endLate(logger: Logger): NodeJS.Timeout {
  return setTimeout(() => {
    logger.error('not stopped in time: what is still going on is cut off');
    process.exit(1);
  }, stopWithinMs);
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
