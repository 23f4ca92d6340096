import { IndelibleError } from '../../protocol/errors.ts';

/** Where a model is and how it is asked. */
export interface ModelEndpoint {
  readonly baseUrl: string;
  /** A secret: for the endpoint, and for nobody else. Undefined for endpoints that ask for none. */
  readonly apiKey: string | undefined;
  readonly model: string;
  /** How long one answer may take, in ms. */
  readonly answerMs: number;
  /** How often a call that failed in passing is made again. */
  readonly maxRetries: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const openAiUrl = 'https://api.openai.com/v1';

/**
 * The endpoint that `OPENAI_BASE_URL` (default OpenAI itself), `OPENAI_API_KEY` and `INDELIBLE_MODEL` name; undefined if
 * no model is named. A key alone names none: many have one in their environment for other programs.
 *
 * @throws IndelibleError `team_unusable` if a setting is missing, `invalid_config` if one cannot be used
 */
export function modelEndpoint(
  env: Environment,
  limits: Pick<ModelEndpoint, 'answerMs' | 'maxRetries'>,
): ModelEndpoint | undefined {
  const model = env['INDELIBLE_MODEL']?.trim();
  if (!model) return undefined;
  return { baseUrl: baseUrlOf(env), apiKey: apiKeyOf(env), model, ...limits };
}

function baseUrlOf(env: Environment): string {
  const given = env['OPENAI_BASE_URL']?.trim();
  if (!given) return openAiUrl;
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw badUrl('is not a URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '') throw badUrl('holds a name or password; OPENAI_API_KEY is for that');
  return given;
}

/** Says nothing of the value: it may hold a secret. */
function badUrl(what: string): IndelibleError {
  return new IndelibleError('invalid_config', { message: `OPENAI_BASE_URL ${what}`, field: 'OPENAI_BASE_URL' });
}

function apiKeyOf(env: Environment): string | undefined {
  const field = 'OPENAI_API_KEY';
  const key = env[field]?.trim();
  if (!key) {
    if (env['OPENAI_BASE_URL']?.trim()) return undefined;
    const message = `INDELIBLE_MODEL is set, but neither ${field} nor OPENAI_BASE_URL is`;
    throw new IndelibleError('team_unusable', { message, field });
  }
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new IndelibleError('invalid_config', { message: `${field} holds what no HTTP header can carry`, field });
}
