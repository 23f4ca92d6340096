import { Command, Option } from 'commander';
import { packageVersion } from '../server/packageVersion.ts';
import { answer } from './answer.ts';
import { cancel } from './cancel.ts';
import { type ExitCode, tellFailure } from './failure.ts';
import { list } from './list.ts';
import { migrate } from './migrate.ts';
import { Output } from './output.ts';
import { replayCommand } from './replayCommand.ts';
import { run } from './run.ts';
import { serve } from './serve.ts';
import { defaults } from './settings.ts';
import { show } from './show.ts';
import { spoolDrop } from './spoolDrop.ts';
import { spoolList } from './spoolList.ts';
import { spoolRetry } from './spoolRetry.ts';
import { tail } from './tail.ts';
import { trim } from './trim.ts';

const environmentHelp = `
Environment (options win over it):
  HOST             address to listen on (default ${defaults.host})
  PORT             port to listen on; 0 takes any free one (default ${defaults.port})
  INDELIBLE_STORE  where messages are kept: sqlite:<path> or postgres://…
                   (default ${defaults.store})
  INDELIBLE_SPOOL  file in which messages wait while the database is away
                   (default <path>.spool, for PostgreSQL ./indelible-<id>.spool)
  INDELIBLE_WAKE   how servers on one PostgreSQL hear of each other: notify, or
                   redis://… (default notify)
  INDELIBLE_MODEL  a model to run tasks with, asked at OPENAI_BASE_URL with
                   OPENAI_API_KEY
  NO_COLOR         if set, nothing is coloured`;

const exitCodeHelp = `
Exit codes: 0 it went well, 1 it failed, 2 the call was wrong.`;

/** Runs one command of the command line and ends the process with its exit code. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const output = new Output(process.stdout, process.stderr);
  let code: ExitCode = 0;
  const ended = (result: ExitCode) => {
    code = result;
  };
  // What a command waits for may be something that keeps no process alive: agents of others, a signal.
  setInterval(() => {}, 2 ** 30);
  const all = program(output, process.env, ended);
  try {
    await all.parseAsync(args, { from: 'user' });
  } catch (error) {
    const command = all.commands.map((one) => one.name()).find((name) => name === args[0]);
    code = tellFailure(error, output, { json: wantsJson(args), command });
  }
  await output.flushed();
  process.exit(code);
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}

function program(output: Output, environment: NodeJS.ProcessEnv, ended: (code: ExitCode) => void): Command {
  const all = new Command('indelible')
    .description('The durable message log for AI agents: every message is in the database before anyone reads it.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    // What is wrong with a call is told in one way, whoever found it.
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', environmentHelp)
    .addHelpText('after', exitCodeHelp)
    .addHelpText('after', examples('indelible serve', 'indelible run "Plan a day in Rome"', 'indelible list'));

  command(all, 'serve', 'serve /api/v3: start runs over HTTP, watch them over WebSocket')
    .option('--host <address>', `address to listen on (env HOST; default ${defaults.host})`)
    .option('--port <number>', `port to listen on; 0 takes any free one (env PORT; default ${defaults.port})`)
    .addOption(store())
    .option('--team <module>', 'a module whose default export is a LangGraph graph or a team; may be repeated', each)
    .option('--allow-origin <origin>', 'pages of this origin may call, as https://your.app; may be repeated', each)
    .addOption(spoolPlace())
    .option('--no-spool', 'keep messages in memory while the database is away, and lose them with the process')
    .option('--spool-max <size>', 'how much may wait on disk; what is more is refused (default 1GiB)')
    .option('--no-migrate', 'refuse a PostgreSQL whose tables are missing or older, instead of making them')
    .option('--insecure', 'listen on an address that others can reach, without authentication')
    .addHelpText(
      'after',
      '\nOn an empty database the demo team runs first, and what it wrote is shown.\nSIGINT and SIGTERM stop it in good order.',
    )
    .addHelpText('after', environmentHelp)
    .addHelpText(
      'after',
      examples('indelible serve', 'indelible serve --port 8080 --team ./team.js', 'HOST=::1 indelible serve'),
    )
    .action(async (options) => ended(await serve(options, output, environment)));

  command(all, 'run <task>', 'work on a task in this process, without a server, and show its messages')
    .addOption(store())
    .option(
      '--team <team>',
      'demo, demo-approval, openai, or the path of a module (default: openai if INDELIBLE_MODEL is set, else demo)',
    )
    .addOption(spoolPlace())
    .option('--no-spool', 'keep messages in memory while the database is away')
    .option('--json', 'print each message as one line of JSON')
    .addHelpText(
      'after',
      examples('indelible run "Plan a day in Rome"', 'indelible run --team ./team.js --json "Hi" > run.jsonl'),
    )
    .action(async (task, options) => ended(await run(task, options, output, environment)));

  command(all, 'replay <transcripts>', 'write recorded conversations as if their agents wrote them now')
    .addOption(store())
    .option('--to <target>', '"store", or the address of a server as http://127.0.0.1:4000', 'store')
    .option('--speed <n>', 'messages a second in each plan, or "max"', 'max')
    .option('--concurrency <n>', 'how many plans are written at the same time', '64')
    .option('--acks <file>', 'append a line of JSON for each message that was acknowledged as stored')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', replayHelp)
    .addHelpText(
      'after',
      examples(
        'indelible replay transcripts.jsonl',
        'indelible replay transcripts.jsonl --speed 2 --to http://127.0.0.1:4000',
      ),
    )
    .action(async (path, options) => ended(await replayCommand(path, options, output, environment)));

  command(all, 'tail <plan>', 'show the messages of a plan, and those that come, until it has ended or Ctrl-C')
    .addOption(store())
    .option('--after <sequence>', 'begin behind this message (default: at the first)')
    .addOption(spoolPlace())
    .option('--no-spool', 'keep messages in memory while the database is away')
    .option('--json', 'print each message as one line of JSON')
    .addHelpText('after', tailHelp)
    .addHelpText(
      'after',
      examples('indelible tail airline-0-0', 'indelible tail airline-0-0 --after 12 --json | jq .content'),
    )
    .action(async (plan, options) => ended(await tail(plan, options, output, environment)));

  command(all, 'list', 'list the plans of a store, newest first')
    .addOption(store())
    .option('--limit <n>', 'how many at most', '100')
    .option('--json', 'print one JSON array')
    .addHelpText('after', examples('indelible list', 'indelible list --json | jq -r .[].plan_id'))
    .action(async (options) => ended(await list(options, output, environment)));

  command(all, 'show <plan>', 'show a plan and all its messages, as they are now')
    .addOption(store())
    .option('--json', 'print one JSON object {plan, messages}')
    .addHelpText('after', examples('indelible show airline-0-0', 'indelible show airline-0-0 --json | jq .messages[0]'))
    .action(async (plan, options) => ended(await show(plan, options, output, environment)));

  command(all, 'answer <plan> [text]', 'answer what a run waits for: an approval, or a question')
    .addOption(store())
    .option('--approve', 'approve; the text is feedback')
    .option('--reject', 'reject; the text says why')
    .option('--json', 'print one JSON object {plan_id, outcome, …}')
    .addHelpText('after', answerHelp)
    .addHelpText(
      'after',
      examples('indelible answer 0198f1c2-… --approve', 'indelible answer 0198f1c2-… "The early train"'),
    )
    .action(async (plan, text, options) => ended(await answer(plan, text, options, output, environment)));

  command(all, 'cancel <plan>', 'end a run, whichever process works on it')
    .addOption(store())
    .option('--json', 'print one JSON object {plan_id, outcome}')
    .addHelpText('after', '\nWhat it wrote stays; its last message says that it was canceled.')
    .addHelpText('after', examples('indelible cancel 0198f1c2-…'))
    .action(async (plan, options) => ended(await cancel(plan, options, output, environment)));

  command(all, 'trim <plan>', 'remove the oldest messages of a plan, for good')
    .addOption(store())
    .option('--up-to <sequence>', 'remove this message and all before it')
    .option('--keep <n>', 'remove all but the newest n')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON object {plan_id, removed, trimmed, kept}')
    .addHelpText(
      'after',
      '\nThe others keep their numbers, and ids of removed messages stay taken. Watchers from before are told of the gap.',
    )
    .addHelpText(
      'after',
      examples('indelible trim airline-0-0 --keep 100', 'indelible trim airline-0-0 --up-to 12 --yes'),
    )
    .action(async (plan, options) => ended(await trim(plan, options, output, environment)));

  command(all, 'migrate', 'make the tables of a database, or bring them up to date, and do nothing else')
    .addOption(store())
    .option('--json', 'print one JSON object {store, migrated}')
    .addHelpText('after', examples('indelible migrate --store postgres://owner@db.example/agents'))
    .action(async (options) => ended(await migrate(options, output, environment)));

  spoolCommands(all, output, environment, ended);
  return all;
}

function spoolCommands(
  all: Command,
  output: Output,
  environment: NodeJS.ProcessEnv,
  ended: (code: ExitCode) => void,
): void {
  const spool = command(all, 'spool', 'what waits on this disk for the database, and what was set aside');
  command(spool, 'list', 'show how much waits, and the messages that were set aside, with why')
    .addOption(store())
    .addOption(spoolPlace())
    .option('--json', 'print one JSON array, an object for each spool')
    .addHelpText('after', examples('indelible spool list', 'indelible spool list --json | jq .[].set_aside'))
    .action(async (options) => ended(await spoolList(options, output, environment)));

  command(
    spool,
    'retry [messages...]',
    'let messages that were set aside wait for the database again, behind all others',
  )
    .addOption(store())
    .addOption(spoolPlace())
    .option('--all', 'all that are set aside')
    .option('--json', 'print one JSON object {retried}')
    .addHelpText('after', examples('indelible spool retry 0198f1c2-…', 'indelible spool retry --all'))
    .action(async (messages, options) => ended(await spoolRetry(messages, options, output, environment)));

  command(spool, 'drop [messages...]', 'forget messages that were set aside, for ever')
    .addOption(store())
    .addOption(spoolPlace())
    .option('--all', 'all that are set aside')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON object {dropped}')
    .addHelpText('after', examples('indelible spool drop 0198f1c2-…', 'indelible spool drop --all --yes'))
    .action(async (messages, options) => ended(await spoolDrop(messages, options, output, environment)));
}

const tailHelp = `
A plan ends with its run. A run that waits for a person is answered by
\`indelible answer\`. A plan that was only written to (save, or the append API)
never ends by itself: it stays in progress until somebody sets its status, and
so does tail, until Ctrl-C.`;

const answerHelp = `
The first answer counts. The run goes on in a process that serves its team; if
none does now, in the first that comes (\`indelible serve\`).

--approve and --reject answer an approval, and never a question. Without them, to
an approval, "yes", "ok", "approve" or "approved" alone approves, and "no", "reject"
or "rejected" alone rejects. With any other text a team's plan IS BEGUN, as with
--approve and that text; a graph that asks for an approval is told "not approved"
and the text.

Exit codes: 0 it was recorded, 1 it was not: somebody answered before, or nothing
is asked.`;

const replayHelp = `
Each line of <transcripts> is one conversation, and becomes one plan ("-" reads stdin):
  {"run": "a-1", "description": "…", "messages": [{"agent_name": "…", "agent_type": "…", "content": "…", "metadata": {}}]}
Plans and messages are named after the run, so to replay a file again adds nothing, and takes up one that was broken off.
A target that is away is tried again for a minute.`;

/** A command takes over the settings for exits and output that were made of `all` before. */
function command(all: Command, usage: string, summary: string): Command {
  const description = `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
  return all.command(usage).summary(summary).description(description).helpOption('-h, --help', 'print this help');
}

function store(): Option {
  return new Option(
    '--store <address>',
    `where messages are kept: sqlite:<path> or postgres://… (env INDELIBLE_STORE; default ${defaults.store})`,
  );
}

function spoolPlace(): Option {
  return new Option('--spool <file>', 'the spool (env INDELIBLE_SPOOL; default: those beside the store)');
}

function each(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
