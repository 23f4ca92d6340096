/**
 * The control of the kill test: `serve` on a store that acknowledges before it commits. Whoever reads while it lives
 * sees nothing wrong.
 *
 * Given as `indelible serve --port <port>` is, in the folder of the database.
 */
import { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { demoTeam } from '../../src/runs/teams/demo.ts';
import { startServer } from '../../src/server/startServer.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { earlyLog } from './earlyLog.ts';

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const store = openSqliteStore('indelible.db');
const indelible = new Indelible({ ...store, log: earlyLog(store.log, 300) });
const { url } = await startServer({ indelible, runner: new Runner(indelible, [demoTeam]), port });
process.stdout.write(`Listening on ${url}\n`);
