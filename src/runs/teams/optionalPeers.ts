import { IndelibleError } from '../../protocol/errors.ts';

/**
 * Loads what only works with packages that users install themselves, when it is needed and not before: the rest of this
 * package works without them.
 *
 * @throws IndelibleError `team_unusable` whose message is the command that installs them
 */
export async function withPeers<T>(packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const message = `the team needs packages that cannot be loaded: npm install ${packages.join(' ')}`;
    throw new IndelibleError('team_unusable', { message, cause });
  }
}
