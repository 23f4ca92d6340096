import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultSpoolPath } from '../../src/persistence/spool/defaultSpool.ts';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { noon, spooledMessage, spooledMessages } from '../persistence/spooledMessage.ts';
import { indelible } from './commandLine.ts';
import { workplace } from './workplace.ts';

const hostile = 'It says \u001b[2J something else.';

describe('spool list', { timeout: 60_000 }, () => {
  it('says how much waits and what was set aside, with why, beside the service that owns the spool', async () => {
    const { folder } = withAside();
    const { code, stdout } = await indelible(['spool', 'list'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toContain(
      './indelible.db.spool · 2 messages wait for the database, the first since 2026-11-25 12:00:00 UTC · 2 set aside',
    );
    expect(stdout).toContain('m-1 · plan plan-1 · place 1 · since 2026-11-25 12:00:00 UTC');
    expect(stdout).toContain('message_conflict: It says ␛[2J something else.');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('says the same in JSON, an object for each spool at the place, also when nobody owns them', async () => {
    const { folder, spool } = withAside();
    const { size } = spool;
    spool.close();
    spoolIn(folder, 'indelible.db.spool.2').close();
    const { code, stdout } = await indelible(['spool', 'list', '--json'], { cwd: folder });
    expect(code).toBe(0);
    const [first, second] = JSON.parse(stdout);
    expect(first).toEqual({
      spool: './indelible.db.spool',
      waiting: 2,
      bytes: size,
      oldest_accepted_at: '2026-11-25T12:00:00.000Z',
      set_aside: [
        {
          plan_id: 'plan-1',
          message_id: 'm-1',
          place: 1,
          code: 'message_conflict',
          message: hostile,
          since: '2026-11-25T12:00:00.000Z',
          intact: true,
        },
        expect.objectContaining({ message_id: 'm-3', place: 3, code: 'store_refused' }),
      ],
    });
    expect(second).toMatchObject({ spool: './indelible.db.spool.2', waiting: 0, oldest_accepted_at: null });
  });

  it('finds the spool by --spool, INDELIBLE_SPOOL, or the store, and makes none where there is none', async () => {
    const folder = workplace();
    spoolIn(folder, 'other.spool').append(spooledMessages(1, 3));
    spoolIn(folder, 'agents.db.spool').append(spooledMessages(1, 4));
    spoolIn(folder, defaultSpoolPath('postgres://127.0.0.1:1/none') ?? '').append(spooledMessages(1, 5));
    const waiting = async (args: readonly string[], env: Record<string, string> = {}) =>
      JSON.parse((await indelible(['spool', 'list', '--json', ...args], { cwd: folder, env })).stdout)[0]?.waiting;
    expect(await waiting(['--spool', 'other.spool'])).toBe(3);
    expect(await waiting([], { INDELIBLE_SPOOL: 'other.spool' })).toBe(3);
    expect(await waiting(['--store', 'sqlite:agents.db'])).toBe(4);
    expect(await waiting(['--store', 'postgres://nobody@127.0.0.1:1/none'])).toBe(5);
    expect(await waiting([])).toBeUndefined();
    const none = await indelible(['spool', 'list'], { cwd: folder });
    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toContain('nothing was ever spooled');
    expect(existsSync(join(folder, 'indelible.db.spool'))).toBe(false);
    const named = await indelible(['spool', 'list', '--spool', 'none.spool'], { cwd: folder });
    expect(named).toMatchObject({ code: 2, stdout: '' });
    expect(named.stderr).toContain('error: there is no spool at none.spool (--spool)');
    expect(existsSync(join(folder, 'none.spool'))).toBe(false);
  });
});

describe('spool retry', { timeout: 60_000 }, () => {
  it('puts a message at the end of the waiting order, and the service that owns the spool sees it', async () => {
    const { folder, spool } = withAside();
    expect(spool.refresh()).toBe(false);
    const { code, stdout } = await indelible(['spool', 'retry', 'm-1'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 message waits again.\n' });
    expect(spool.refresh()).toBe(true);
    expect(spool.read(10, 1e6).map(({ message }) => message)).toEqual([2, 4, 1].map(spooledMessage));
    expect(spool).toMatchObject({ depth: 3, setAsideCount: 1 });
    const all = await indelible(['spool', 'retry', '--all', '--json'], { cwd: folder });
    expect(JSON.parse(all.stdout)).toEqual({ retried: 1 });
    // Without a look in between: whatever the owner does next, it counts right.
    const [id] = spool.append([spooledMessage(5)]);
    expect(spool).toMatchObject({ depth: 5, setAsideCount: 0 });
    expect(spool.remove([...spool.read(10, 1e6).map((record) => record.id)])).toContain(id);
    expect(spool).toMatchObject({ depth: 0, size: 0 });
  });

  it('does not deliver a damaged record, and says that it can only be dropped', async () => {
    const { folder, spool } = withAside();
    spool.close();
    const db = new DatabaseSync(join(folder, 'indelible.db.spool'));
    db.exec(`UPDATE aside SET body = replace(body, 'Agent', 'Other') WHERE message_id = 'm-1'`);
    db.close();
    const one = await indelible(['spool', 'retry', 'm-1'], { cwd: folder });
    expect(one).toMatchObject({ code: 1, stdout: '' });
    expect(one.stderr).toContain('code: spool_damaged');
    const all = await indelible(['spool', 'retry', '--all'], { cwd: folder });
    expect(all).toMatchObject({ code: 0, stdout: '1 message waits again.\n' });
    expect(all.stderr).toContain('1 message stays set aside');
    expect(spoolIn(folder)).toMatchObject({ depth: 3, setAsideCount: 1 });
  });

  it('does nothing if one of the messages is not set aside: one that waits is not the operator’s to decide', async () => {
    const { folder, spool } = withAside();
    const { code, stderr } = await indelible(['spool', 'retry', 'm-1', 'm-2', '--json'], { cwd: folder });
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'message_not_found', field: 'messages' } });
    expect(spool.refresh()).toBe(false);
    expect(spool).toMatchObject({ depth: 2, setAsideCount: 2 });
  });

  it('must be told which', async () => {
    const { folder } = withAside();
    for (const args of [[], ['m-1', '--all']]) {
      const { code, stderr } = await indelible(['spool', 'retry', ...args], { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toContain('messages must be ids of messages, or --all instead of them');
    }
  });
});

describe('spool drop', { timeout: 60_000 }, () => {
  it('forgets what is set aside, and nothing that waits', async () => {
    const { folder, spool } = withAside();
    const waits = await indelible(['spool', 'drop', 'm-2', '--yes'], { cwd: folder });
    expect(waits).toMatchObject({ code: 1, stdout: '' });
    expect(waits.stderr).toContain('code: message_not_found');
    const one = await indelible(['spool', 'drop', 'm-3', '--yes', '--json'], { cwd: folder });
    expect(JSON.parse(one.stdout)).toEqual({ dropped: 1 });
    const all = await indelible(['spool', 'drop', '--all', '--yes'], { cwd: folder });
    expect(all).toMatchObject({ code: 0, stdout: '1 message dropped.\n' });
    expect(spool.refresh()).toBe(true);
    expect(spool).toMatchObject({ depth: 2, setAsideCount: 0 });
    const none = await indelible(['spool', 'drop', '--all'], { cwd: folder });
    expect(none).toMatchObject({ code: 0, stdout: '0 messages dropped.\n' });
  });

  it('asks for --yes where there is no terminal', async () => {
    const { folder, spool } = withAside();
    const { code, stderr } = await indelible(['spool', 'drop', '--all'], { cwd: folder, stdin: 'y\n' });
    expect(code).toBe(2);
    expect(stderr).toContain('Give `--yes` if it is wanted');
    expect(spool.refresh()).toBe(false);
  });

  it.skipIf(!existsSync('/usr/bin/script'))('asks at a terminal, and only yes means yes', async () => {
    const { folder, spool } = withAside();
    const asked = async (answer: string) => {
      // A pseudo terminal, by the program that makes one.
      const command = `${process.execPath} ${fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))} spool drop m-1`;
      const program = fileURLToPath(new URL('./inTerminal.ts', import.meta.url));
      return await indelible([command, answer], { cwd: folder, program });
    };
    expect(await asked('n')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Drop 1 message for ever? [y/N]'),
    });
    expect(spool.refresh()).toBe(false);
    expect(await asked('')).toMatchObject({ code: 1 });
    expect(spool).toMatchObject({ setAsideCount: 2 });
    expect(await asked('yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 message dropped.') });
    expect(spool.refresh()).toBe(true);
    expect(spool).toMatchObject({ depth: 2, setAsideCount: 1 });
  });
});

/** The spool of the database that commands given in `folder` use. */
function spoolIn(folder: string, name = 'indelible.db.spool'): Spool {
  const spool = openSpool(join(folder, name), { maxBytes: 1e9, now: () => noon });
  onTestFinished(() => spool.close());
  return spool;
}

/** Messages 2 and 4 wait, 1 and 3 are set aside. This process owns the spool. */
function withAside(): { readonly folder: string; readonly spool: Spool } {
  const folder = workplace();
  const spool = spoolIn(folder);
  const ids = spool.append(spooledMessages(1, 4));
  spool.setAside(ids[0] as number, new IndelibleError('message_conflict', { message: hostile }));
  spool.setAside(ids[2] as number, new IndelibleError('store_refused'));
  return { folder, spool };
}
