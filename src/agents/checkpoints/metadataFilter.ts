/**
 * Whether metadata holds all that a filter asks for, as PostgreSQL's `@>` would say, so that both databases list the
 * same: an object holds another whose members it has, an array one whose items it has, in any order; anything else must
 * be equal. A filter's `undefined` asks for nothing.
 */
export function holds(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && wanted.every((item) => found.some((candidate) => holds(candidate, item)));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    return isObject(found) && Object.entries(wanted).every(([key, value]) => hasMember(found, key, value));
  }
  return found === wanted;
}

function hasMember(found: Readonly<Record<string, unknown>>, key: string, wanted: unknown): boolean {
  return wanted === undefined || (Object.hasOwn(found, key) && holds(found[key], wanted));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
