import { parseMessageBytes, prepareMessage } from 'indelible/protocol';
import type { Fault } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import type { MessageChange } from '../../src/persistence/messageUpdate.ts';
import { settle } from './manualClock.ts';
import { message, setUp } from './service.ts';

const first = message('m1', { content: 'first', metadata: { a: 1, b: [2] }, timestamp: '2026-01-01T00:00:00.000Z' });

async function setUpUpdate() {
  const setup = setUp();
  await setup.service.save(first);
  const update = (change: MessageChange) => setup.service.updateMessage('plan', 'm1', change);
  const now = async () => {
    const found = await setup.store.log.find('plan', 'm1');
    return { ...parseMessageBytes(found?.body ?? ''), version: found?.version, sequence: found?.sequence };
  };
  return { ...setup, update, now };
}

describe('updateMessage', () => {
  it('changes the content and leaves everything else', async () => {
    const { update, now } = await setUpUpdate();
    const before = await now();
    const result = await update({ expectedVersion: 1, content: 'second' });
    expect(result).toMatchObject({ status: 'updated', message: { version: 2, sequence: 1, revision: 1 } });
    expect(await now()).toEqual({ ...before, content: 'second', version: 2 });
  });

  it('replaces the metadata as a whole and leaves everything else', async () => {
    const { update, now } = await setUpUpdate();
    const before = await now();
    await update({ expectedVersion: 1, metadata: { c: 3 } });
    expect(await now()).toEqual({ ...before, metadata: { c: 3 }, version: 2 });
    await update({ expectedVersion: 2, metadata: {}, content: '' });
    expect(await now()).toEqual({ ...before, metadata: {}, content: '', version: 3 });
  });

  it('keeps metadata it does not change as it was, whatever its keys', async () => {
    const { service, store } = setUp();
    const metadata = JSON.parse('{"__proto__":{"x":1},"n":-0,"s":"\\ud800"}');
    await service.save(message('m1', { metadata }));
    const before = (await store.log.find('plan', 'm1'))?.body ?? '';
    await service.updateMessage('plan', 'm1', { expectedVersion: 1, content: 'second' });
    const after = (await store.log.find('plan', 'm1'))?.body ?? '';
    expect(after.slice(after.indexOf('"metadata"'))).toBe(before.slice(before.indexOf('"metadata"')));
  });

  it('P12: of 50 who update the same version one wins, and the others are told what the message says now', async () => {
    const { update, service, now } = await setUpUpdate();
    for (let version = 1; version <= 10; version++) {
      const contents = Array.from({ length: 50 }, (_, index) => `version ${version}, updater ${index}`);
      const results = await Promise.all(contents.map((content) => update({ expectedVersion: version, content })));
      const winner = results.findIndex(({ status }) => status === 'updated');
      const others = results.filter((_, index) => index !== winner);
      expect(await now()).toMatchObject({ content: contents[winner], version: version + 1 });
      for (const result of others) {
        expect(result).toMatchObject({
          status: 'refused',
          error: { code: 'version_conflict', field: 'expectedVersion' },
        });
        expect(result.message?.version).toBe(version + 1);
      }
    }
    expect(await service.getMessagesForPlan('plan')).toHaveLength(1);
  });

  it.each([[2], [100], [Number.MAX_SAFE_INTEGER]])(
    'based on a version that is not there yet (%i) is a conflict',
    async (version) => {
      const { update, now } = await setUpUpdate();
      const before = await now();
      const result = await update({ expectedVersion: version, content: 'second' });
      expect(result).toMatchObject({ status: 'refused', error: { code: 'version_conflict' }, message: { version: 1 } });
      expect(await now()).toEqual(before);
    },
  );

  it.each([[-1], [0], [1.5], [Number.NaN], [2 ** 53], ['1'], [null], [undefined], [1n]])(
    'is refused for the expectedVersion %s',
    async (version) => {
      const { update, now } = await setUpUpdate();
      const before = await now();
      const result = await update({ expectedVersion: version as number, content: 'second' });
      expect(result).toMatchObject({ status: 'refused', error: { code: 'invalid_message', field: 'expectedVersion' } });
      expect(await now()).toEqual(before);
    },
  );

  it.each<[string, object, string, string]>([
    ['nothing to change', {}, 'invalid_message', 'content'],
    ['content that is no string', { content: 5 }, 'invalid_message', 'content'],
    ['content that is null', { content: null }, 'invalid_message', 'content'],
    ['metadata that is a list', { metadata: [] }, 'invalid_message', 'metadata'],
    ['metadata that is null', { metadata: null }, 'invalid_message', 'metadata'],
    ['metadata that is not JSON', { metadata: { a: [1n] } }, 'metadata_not_json', 'metadata.a[0]'],
    ['metadata that becomes a number', { metadata: { toJSON: () => 5 } }, 'metadata_not_json', 'metadata'],
    ['10 MiB', { content: 'x'.repeat(10 * 1024 * 1024) }, 'message_too_large', 'content'],
  ])('is refused for %s', async (_what, change, code, field) => {
    const { update, now } = await setUpUpdate();
    const before = await now();
    const result = await update({ expectedVersion: 1, ...change });
    expect(result).toMatchObject({ status: 'refused', error: { code, field } });
    expect(await now()).toEqual(before);
  });

  it('of a message that is not there is refused with message_not_found, and makes none', async () => {
    const { service } = await setUpUpdate();
    for (const [planId, messageId] of [
      ['plan', 'm2'],
      ['other', 'm1'],
      ['plan', 'M1'],
    ] as const) {
      const result = await service.updateMessage(planId, messageId, { expectedVersion: 1, content: 'x' });
      expect(result).toMatchObject({ status: 'refused', error: { code: 'message_not_found', status: 404 } });
    }
    expect(await service.getMessagesForPlan('other')).toEqual([]);
  });

  it('with an id that is none is refused with invalid_id', async () => {
    const { service } = await setUpUpdate();
    for (const [planId, messageId, field] of [
      ['', 'm1', 'planId'],
      ['plan', 'a/b', 'messageId'],
    ] as const) {
      const result = await service.updateMessage(planId, messageId, { expectedVersion: 1, content: 'x' });
      expect(result).toMatchObject({ status: 'refused', error: { code: 'invalid_id', field } });
    }
  });

  it('of a database that is away is refused with store_unavailable and never throws', async () => {
    const { update, faults, now } = await setUpUpdate();
    faults.refuse();
    expect(await update({ expectedVersion: 1, content: 'second' })).toMatchObject({
      status: 'refused',
      error: { code: 'store_unavailable' },
    });
    faults.heal();
    faults.loseAnswers();
    expect(await update({ expectedVersion: 1, content: 'second' })).toMatchObject({
      status: 'refused',
      error: { code: 'store_unavailable' },
    });
    expect(await now()).toMatchObject({ content: 'second', version: 2 });
    expect(await update({ expectedVersion: 1, content: 'second' })).toMatchObject({
      status: 'refused',
      error: { code: 'version_conflict' },
      message: { version: 2 },
    });
  });

  it('never throws, whatever the change is', async () => {
    const { update } = await setUpUpdate();
    const throwing = new Proxy({}, { get: () => fail() });
    for (const change of [undefined, null, 5, throwing]) {
      expect((await update(change as never)).status).toBe('refused');
    }
  });

  it('is based on what the change said when it was called', async () => {
    const { service, faults, now } = await setUpUpdate();
    await service.updateMessage('plan', 'm1', { expectedVersion: 1, content: 'second' });
    faults.hang();
    const metadata = { list: [1] };
    const change = { expectedVersion: 1, content: 'based on the first', metadata };
    const updating = service.updateMessage('plan', 'm1', change);
    await settle();
    change.expectedVersion = 2;
    change.content = 'changed afterwards';
    metadata.list.push(2);
    faults.heal();
    expect(await updating).toMatchObject({ status: 'refused', error: { code: 'version_conflict' } });
    expect(await now()).toMatchObject({ content: 'second', version: 2 });
  });

  it('takes over what it does not change from the version it is based on, never from an older one', async () => {
    const { service, store, faults } = await setUpUpdate();
    const second = prepareMessage({ ...first, metadata: { from: 'the second' } }, { now: () => 0 });
    // Somebody else is first, between this update's reading and its writing.
    faults.script = async ({ name }): Promise<Fault> => {
      if (name === 'update') await store.log.update(second, 1);
      return 'none';
    };
    const result = await service.updateMessage('plan', 'm1', { expectedVersion: 2, content: 'based on the second' });
    expect(result).toMatchObject({ status: 'refused', error: { code: 'version_conflict' } });
  });

  it('a message that was updated reads with its new content, in its place', async () => {
    const { service, update } = await setUpUpdate();
    await service.save(message('m2'));
    await update({ expectedVersion: 1, content: 'second' });
    const read = await service.getMessagesForPlan('plan');
    expect(read.map(({ content, version, sequence }) => [content, version, sequence])).toEqual([
      ['second', 2, 1],
      ['content of m2', 1, 2],
    ]);
  });
});

function fail(): never {
  throw new Error('it was looked at');
}
