/**
 * Every error this package gives, in one table. `docs/errors.md` is generated from it and a test holds the two
 * together. Nothing branches on message text: callers and tests branch on `code`.
 *
 * `status` is the HTTP status a server answers with; `remedy` is what the reader can do about it.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly summary: string;
  readonly remedy: string;
}

export const errorTable = {
  invalid_message: {
    status: 422,
    summary: 'A field of the message is missing, of the wrong type, or out of its bounds; `field` names it.',
    remedy: 'Correct the named field and save again. Nothing was stored.',
  },
  invalid_id: {
    status: 400,
    summary:
      'A plan or message id is empty, longer than 256 characters, or holds control characters, slashes or lone surrogates.',
    remedy: 'Use 1 to 256 characters; a UUID is a good choice. Case and Unicode normal form are kept as given.',
  },
  metadata_not_json: {
    status: 422,
    summary: 'The metadata holds a value that JSON cannot carry without loss; `field` is the path to it.',
    remedy: 'Convert the value at that path to a string, a finite number, a boolean, null, an array or a plain object.',
  },
  message_too_large: {
    status: 413,
    summary: 'The encoded message is larger than the limit (4 MiB unless configured).',
    remedy: 'Store the large part elsewhere and put a reference to it into the metadata, or raise `maxMessageBytes`.',
  },
  message_conflict: {
    status: 409,
    summary: 'The plan already holds a message with this id and other content. The first one stays as it is.',
    remedy: 'Use a new message id for new content, or update the stored message with its version.',
  },
  message_not_found: {
    status: 404,
    summary: 'The plan holds no message with this id.',
    remedy: 'Check the plan id and the message id.',
  },
  version_conflict: {
    status: 409,
    summary: 'Somebody else updated the message first: its version is not the expected one.',
    remedy: 'Read the message, apply the change to what it says now, and update with its current version.',
  },
  draft_gap: {
    status: 409,
    summary:
      'The piece of a draft begins behind the end of what the server has of it: a piece is missing, or the server was started anew.',
    remedy: 'Send the whole text so far, without `offset`.',
  },
  too_many_drafts: {
    status: 429,
    summary: 'Agents are writing as many answers by way of this server as it follows at once (1,000).',
    remedy: 'Save the answer when it is whole: messages are taken all the same.',
  },
  plan_not_found: {
    status: 404,
    summary: 'There is no plan with this id.',
    remedy: 'Check the plan id; `indelible list` shows the plans of a store.',
  },
  plan_exists: {
    status: 409,
    summary: 'A plan with this id was already created.',
    remedy: 'Leave out the plan id to have one made, or use the existing plan.',
  },
  run_not_found: {
    status: 404,
    summary: 'The plan has no run: no team was given it, it only has messages.',
    remedy: 'Check the plan id. Plans of agents that run elsewhere are ended with `PUT /api/v1/plans/{plan_id}`.',
  },
  run_ended: {
    status: 409,
    summary: 'The run of this plan is over.',
    remedy: 'Nothing: `GET /api/v3/plan` says how it ended.',
  },
  not_asked: {
    status: 409,
    summary: 'The run waits for nobody, or for the answer to another question.',
    remedy: 'Read the plan: its newest request says what is asked, and by which `request_id`.',
  },
  already_answered: {
    status: 409,
    summary: 'What the run asked was answered before. The first answer counts.',
    remedy: 'Read the plan: the response that follows the request says what was answered.',
  },
  run_taken: {
    status: 409,
    summary: 'This process no longer counts as one that works on runs: it was silent for too long, or has not begun.',
    remedy:
      'Call again, here or at another server. A process joins again by itself; what it worked on is taken up by whichever joined.',
  },
  run_canceled: {
    status: 409,
    summary: 'Somebody asked that the run be ended. What was written until then is stored.',
    remedy: 'Nothing: this is what the agents of a canceled run are told. Start another run for the same task.',
  },
  invalid_request: {
    status: 400,
    summary: 'The request cannot be understood; `field` names what is wrong where one thing is.',
    remedy: 'See PROTOCOL.md for the calls and their parameters.',
  },
  invalid_cursor: {
    status: 400,
    summary: 'The cursor was not given out by this log, belongs to another plan, or was changed.',
    remedy: 'Use a cursor exactly as received, with the plan it was received for.',
  },
  log_replaced: {
    status: 409,
    summary: 'The database was replaced or restored from a backup: what a reader holds may not be what it holds now.',
    remedy: 'Read the plan anew from its beginning.',
  },
  queue_full: {
    status: 503,
    summary: 'More messages wait for the database than the queue may hold. This message was not accepted.',
    remedy: 'Save it again later, or raise `maxQueuedMessages`; find out why the database is slow or away.',
  },
  spool_full: {
    status: 503,
    summary: 'The database is away, and the disk spool holds as much as it may. This message was not accepted.',
    remedy:
      'Bring the database back: the spool then empties by itself. `indelible spool list` shows what was set aside and takes room; drop or retry it, or raise the bound.',
  },
  spool_unavailable: {
    status: 503,
    summary: 'The disk spool cannot be read or written. What was not acknowledged was not accepted.',
    remedy:
      'Make room on the disk, and let this user write the spool and its folder. It is tried again by itself. What was acknowledged is kept.',
  },
  spool_in_use: {
    status: 500,
    summary: 'The disk spool belongs to another service that is alive, in this process or another one.',
    remedy:
      'Stop that one, or give each its own spool: `--spool` or INDELIBLE_SPOOL. A spool is free as soon as its process ends.',
  },
  spool_damaged: {
    status: 500,
    summary: 'The disk changed what was written into the spool. The damaged part is not delivered; the rest is.',
    remedy:
      '`indelible spool list` shows a damaged record, `indelible spool drop` removes it. If nothing can be read, move the files of the spool away and start again. Check the disk.',
  },
  not_yet_stored: {
    status: 503,
    summary: 'The message was accepted but could not be stored within its deadline. It waits in memory, in order.',
    remedy:
      'Nothing, if the process stays up: it is stored when the database is back. Saving again with the same id is safe.',
  },
  spooled: {
    status: 202,
    summary:
      'The message is on disk and not yet in the database, which is away or slow. It is stored, in its order, when that is back.',
    remedy: 'Nothing: it is not lost, also if the process dies. `indelible spool list` shows what waits.',
  },
  broadcast_failed: {
    status: 502,
    summary: 'The message is stored, but the WebSocket manager failed or was too slow to send it to watchers.',
    remedy: 'Nothing is lost: watchers read the log. `cause` is the error of the manager.',
  },
  service_closed: {
    status: 503,
    summary: 'The service was closed before this call.',
    remedy: 'Save before `close()`, or open the service again.',
  },
  store_unavailable: {
    status: 503,
    summary: 'The database cannot be reached, is busy, or is not the one that was opened.',
    remedy:
      'Check that the database is up and reachable. Saves are tried again by themselves; other calls may be repeated.',
  },
  store_refused: {
    status: 500,
    summary: 'The database refused this write or read for good. Trying again would not help.',
    remedy: '`cause` says what it answered: a full disk, a missing permission, a damaged file.',
  },
  schema_too_new: {
    status: 500,
    summary: 'The database was written by a newer version of Indelible.',
    remedy: 'Start the newer version, or restore a backup made before the upgrade. Migrations only go forward.',
  },
  schema_outdated: {
    status: 500,
    summary:
      'The database has no Indelible tables, or older ones than this version needs, and may not be migrated here.',
    remedy: 'Run `indelible migrate` with a role that may create tables, or start without `--no-migrate`.',
  },
  team_not_found: {
    status: 404,
    summary: 'There is no team with this id.',
    remedy: '`GET /api/v3/team_configs` lists the teams; `indelible serve --team ./team.js` adds your own.',
  },
  team_unusable: {
    status: 500,
    summary: 'The team cannot run: a module does not load, exports no graph, or a setting is missing.',
    remedy: '`cause` says which. A team module exports a compiled LangGraph graph, or a team, as its default.',
  },
  run_failed: {
    status: 500,
    summary: 'An agent of the run failed. What it wrote until then is stored.',
    remedy: '`cause` is the error of the agent.',
  },
  package_missing: {
    status: 500,
    summary: 'What was asked for needs a package that is not installed, or does not load; the message names it.',
    remedy: 'Install it with the command in the message. `cause` says why it does not load.',
  },
  invalid_config: {
    status: 400,
    summary: 'A command-line option or environment variable has a value that cannot be used; `field` names it.',
    remedy: '`indelible --help` lists options, variables and their forms.',
  },
  insecure_listen: {
    status: 400,
    summary: 'This version has no authentication, so it listens on loopback addresses only.',
    remedy: 'Set HOST to 127.0.0.1 or ::1, or give `--insecure` if something in front of it authenticates.',
  },
  invalid_transcript: {
    status: 422,
    summary: 'A line of the transcript file is not a conversation; `field` names the line and what is wrong.',
    remedy:
      'Each line is one JSON object `{run, description, messages: [{agent_name, agent_type, content, metadata}]}`.',
  },
  invalid_json: {
    status: 400,
    summary: 'The body or frame is not JSON.',
    remedy: 'Send UTF-8 JSON text.',
  },
  unknown_message_type: {
    status: 400,
    summary: 'The socket does not know frames of this type.',
    remedy: 'See PROTOCOL.md for the frames a client may send.',
  },
  too_many_connections: {
    status: 429,
    summary:
      'The plan or the user already has as many sockets as are allowed (v3: 5 a plan, 10 a user; v1: 100 a user).',
    remedy: 'Close a socket that is no longer needed, then connect again.',
  },
  too_many_subscriptions: {
    status: 429,
    summary: 'The connection already watches as many plans as are allowed (256).',
    remedy: 'Unsubscribe from plans that nobody looks at, or open another connection.',
  },
  origin_refused: {
    status: 403,
    summary: 'The page that made the request is of an origin that is not allowed.',
    remedy: 'Allow it with `--allow-origin https://your.app`.',
  },
  protocol_missing: {
    status: 400,
    summary: 'A WebSocket at /api/v1/socket must offer the subprotocol indelible.v1.',
    remedy: "Open it with `new WebSocket(url, ['indelible.v1'])`.",
  },
  server_unreachable: {
    status: 503,
    summary: 'The server at this address does not answer, or not as an Indelible server of this version would.',
    remedy: 'Check the address, and that `indelible serve` runs there.',
  },
  port_taken: {
    status: 500,
    summary: 'Another process listens on this port already.',
    remedy: 'Stop it, or choose another port: `--port 4001` or PORT=4001; port 0 takes any free one.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorDetails {
  /** What was wrong this time, in one sentence that names the value's place but not a secret. */
  readonly message?: string;
  /** The field, option or path that is wrong, in the caller's own spelling. */
  readonly field?: string;
  readonly cause?: unknown;
}

/** An error with a code of {@link errorTable}, a cause where there is one, and a remedy. */
export class IndelibleError extends Error {
  override readonly name = 'IndelibleError';
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly field: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(
      details.message ?? errorTable[code].summary,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.remedy = errorTable[code].remedy;
    this.field = details.field;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** Holds across duplicate copies of this package, where `instanceof` does not. */
  static is(error: unknown, code?: ErrorCode): error is IndelibleError {
    if (!(error instanceof Error) || error.name !== 'IndelibleError') return false;
    const found = (error as IndelibleError).code;
    return Object.hasOwn(errorTable, found) && (code === undefined || found === code);
  }
}
