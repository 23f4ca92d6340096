import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';
import type { Refusal } from './detail.ts';

/**
 * The one value of a query parameter; undefined if it is not there. Read from the URL as it was sent, because a
 * decoder that is forgiving would turn `%ff` into a character that nobody sent.
 *
 * @throws IndelibleError `invalid_request` if it is given twice, as a list (`name[]=`), or is not percent-encoded UTF-8
 */
export function queryParameter(url: string, name: string): string | undefined {
  const values = [...parameters(url)].filter(([key]) => key === name || key?.startsWith(`${name}[`));
  const [key, value] = values[0] ?? [];
  if (key === undefined) return undefined;
  if (values.length > 1) throw invalid(name, 'is given more than once');
  if (key !== name) throw invalid(name, 'is given as a list');
  if (value === undefined) throw invalid(name, 'is not percent-encoded UTF-8');
  return value;
}

/**
 * All values of a query parameter that may be given several times.
 *
 * @throws IndelibleError `invalid_request` if it is given as a list (`name[]=`), or is not percent-encoded UTF-8
 */
export function queryParameters(url: string, name: string): readonly string[] {
  const given = [...parameters(url)].filter(([key]) => key === name || key?.startsWith(`${name}[`));
  return given.map(([key, value]) => {
    if (key !== name) throw invalid(name, 'is given as a list');
    if (value === undefined) throw invalid(name, 'is not percent-encoded UTF-8');
    return value;
  });
}

/**
 * The id that must be in the query.
 *
 * @throws IndelibleError `invalid_request`, `invalid_id`
 */
export function idParameter(url: string, name: string): string | Refusal {
  const value = queryParameter(url, name);
  if (value !== undefined) return checkId(value, name);
  return { status: 422, detail: [{ loc: ['query', name], msg: 'Field required', type: 'missing' }] };
}

function* parameters(url: string): Generator<readonly [string | undefined, string | undefined]> {
  const start = url.indexOf('?') + 1;
  if (start === 0) return;
  const end = url.indexOf('#', start);
  for (const pair of url.slice(start, end < 0 ? undefined : end).split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    yield [decode(key), decode(equals < 0 ? '' : pair.slice(equals + 1))];
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function invalid(name: string, what: string): IndelibleError {
  return new IndelibleError('invalid_request', { message: `${name} ${what}`, field: name });
}
