import type { Output } from './output.ts';
import { defaults } from './settings.ts';

export interface Listening {
  readonly url: string;
  /** A plan that is there to look at. */
  readonly planId: string;
  /** How commands are given here. */
  readonly command: string;
  /** As it must be given to other commands, see {@link shownStore}; undefined if they take it anyway. */
  readonly store: string | undefined;
}

/** Says where the server is, and what to do with it, in lines to be copied. */
export function tellWhatToTry({ url, planId, command, store }: Listening, output: Output): void {
  const { paint } = output;
  const inStore = store === undefined ? '' : ` --store ${store}`;
  output.line(`Listening on ${paint(['bold', 'cyan'], url)} (Ctrl-C stops)`);
  output.line();
  output.line('Try, in a second terminal:');
  const tell = (what: string, line: string) => {
    output.line();
    output.line(paint('dim', `  # ${what}`));
    output.line(`  ${line}`);
  };
  tell(
    'a plan with all its messages, as the API answers it',
    `curl '${url}/api/v3/plan?plan_id=${encodeURIComponent(planId)}'`,
  );
  tell(
    'start a run; it answers at once, with the id of the plan',
    `curl ${url}/api/v3/process_request -H 'content-type: application/json' -d '{"description":"Say hello"}'`,
  );
  tell('watch it, from another process', `${command} tail <plan>${inStore}`);
  tell('what plans there are', `${command} list${inStore}`);
  output.line();
}

/**
 * An address as the argument of `--store` in a command that is told, to be given in another terminal too; undefined if it
 * is the default. Of a PostgreSQL only the form: the address may hold a password.
 */
export function shownStore(address: string): string | undefined {
  if (address === defaults.store) return undefined;
  return address.startsWith('sqlite:') ? shellWord(address) : 'postgres://…';
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
