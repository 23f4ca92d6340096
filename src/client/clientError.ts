import type { ErrorCode } from '../protocol/errors.ts';

/** What an error that the client itself gives tells to do; word for word as in the table of all errors. */
export const clientRemedies = {
  invalid_config: '`indelible --help` lists options, variables and their forms.',
  log_replaced: 'Read the plan anew from its beginning.',
  server_unreachable: 'Check the address, and that `indelible serve` runs there.',
  service_closed: 'Save before `close()`, or open the service again.',
} as const satisfies Partial<Record<ErrorCode, string>>;

/**
 * An error of the client, or one that a server told it. Branch on `code`: docs/errors.md lists them. `IndelibleError.is`
 * knows it too. It is not an `IndelibleError`, because that brings the table of all errors, which is as large as half the
 * client.
 */
export class ClientError extends Error {
  override readonly name = 'IndelibleError';
  /** One of docs/errors.md; of a newer server it may be one that this version does not know. */
  readonly code: ErrorCode | (string & {});
  readonly remedy: string;
  readonly field: string | undefined;

  constructor(
    code: ErrorCode | (string & {}),
    message: string,
    details: { readonly remedy?: string; readonly field?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy ?? (clientRemedies as Readonly<Record<string, string>>)[code] ?? '';
    this.field = details.field;
  }
}
