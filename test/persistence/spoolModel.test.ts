import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordSize } from '../../src/persistence/spool/record.ts';
import { SpoolDesk } from '../../src/persistence/spool/spoolDesk.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { spoolAt, spoolPath } from './spooled.ts';
import { spooledMessage } from './spooledMessage.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({
    kind: fc.constant('read' as const),
    limit: fc.integer({ min: 1, max: 6 }),
    size: fc.integer({ min: 1, max: 4_000 }),
    after: fc.nat(60),
  }),
  fc.record({ kind: fc.constant('remove' as const), places: fc.array(fc.nat(60), { maxLength: 6 }) }),
  fc.record({ kind: fc.constant('setAside' as const), place: fc.nat(60) }),
  fc.record({ kind: fc.constant('keepAside' as const) }),
  fc.record({ kind: fc.constant('retry' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('drop' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('reopen' as const) }),
);

interface Kept {
  readonly id: number;
  readonly message: PreparedMessage;
}

describe('The spool, against a plain list', { timeout: 120_000 }, () => {
  it('P3: answers as the list does, whatever is done in whatever order, by its owner and by an operator', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 500, max: 20_000 }), (steps, maxBytes) => {
        const path = spoolPath();
        let spool = spoolAt(path, { maxBytes });
        const waiting: Kept[] = [];
        const aside: Kept[] = [];
        let lastId = 0;
        let number = 0;
        const size = () => [...waiting, ...aside].reduce((sum, { message }) => sum + recordSize(message), 0);
        const byOperator = (action: (desk: SpoolDesk) => number) => {
          const desk = new SpoolDesk(path);
          const changed = action(desk);
          desk.close();
          expect(spool.refresh()).toBe(true);
          expect(spool.refresh()).toBe(false);
          return changed;
        };
        for (const now of steps) {
          if (now.kind === 'append') {
            const given = Array.from({ length: now.count }, () => spooledMessage(++number));
            const ids = spool.append(given);
            const accepted: Kept[] = [];
            let total = size();
            for (const message of given) {
              total += recordSize(message);
              if (total > maxBytes) break;
              accepted.push({ id: ++lastId, message });
            }
            expect(ids).toEqual(accepted.map(({ id }) => id));
            waiting.push(...accepted);
          } else if (now.kind === 'read') {
            const wanted: Kept[] = [];
            let total = 0;
            for (const one of waiting.filter(({ id }) => id > now.after)) {
              total += one.message.body.length;
              if (wanted.length > 0 && (total > now.size || wanted.length >= now.limit)) break;
              wanted.push(one);
            }
            const found = spool.read(now.limit, now.size, now.after);
            expect(found.map(({ id, message }) => ({ id, message }))).toEqual(wanted);
          } else if (now.kind === 'remove') {
            const wanted = [...new Set(now.places)].filter((place) => waiting.some(({ id }) => id === place));
            expect(spool.remove([...now.places])).toEqual(wanted);
            for (const place of wanted)
              waiting.splice(
                waiting.findIndex(({ id }) => id === place),
                1,
              );
          } else if (now.kind === 'setAside') {
            spool.setAside(now.place, new IndelibleError('message_conflict'));
            const index = waiting.findIndex(({ id }) => id === now.place);
            if (index >= 0) aside.push(...waiting.splice(index, 1));
          } else if (now.kind === 'keepAside') {
            const message = spooledMessage(++number);
            const fits = size() + recordSize(message) <= maxBytes;
            const keep = () => spool.keepAside(message, new IndelibleError('store_refused'));
            if (fits) keep();
            else expect(keep).toThrow(expect.objectContaining({ code: 'spool_full' }));
            if (fits) aside.push({ id: ++lastId, message });
          } else if (now.kind === 'reopen') {
            spool.close();
            spool = spoolAt(path, { maxBytes });
          } else {
            aside.sort((one, other) => one.id - other.id);
            const chosen = aside.splice(0, now.count);
            const ids = chosen.map(({ id }) => id);
            if (ids.length === 0) continue;
            expect(byOperator((desk) => (now.kind === 'retry' ? desk.retry(ids) : desk.drop(ids)))).toBe(ids.length);
            if (now.kind === 'retry') waiting.push(...chosen.map(({ message }) => ({ id: ++lastId, message })));
          }
          expect(spool).toMatchObject({ depth: waiting.length, setAsideCount: aside.length, size: size() });
          for (let plan = 0; plan < 5; plan++) {
            const count = waiting.filter(({ message }) => message.planId === `plan-${plan}`).length;
            expect(spool.waiting(`plan-${plan}`)).toBe(count);
          }
        }
        expect(spool.read(1e6, 1e9).map(({ id, message }) => ({ id, message }))).toEqual(waiting);
        spool.close();
      }),
      { numRuns: Number(process.env['SPOOL_RUNS'] ?? 60) },
    );
  });
});
