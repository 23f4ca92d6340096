import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { allWaiting, spoolAt, spoolPath } from './spooled.ts';
import { spooledMessage, spooledMessages } from './spooledMessage.ts';

const program = fileURLToPath(new URL('./spoolOwningProcess.ts', import.meta.url));
const inUse = expect.objectContaining({ code: 'spool_in_use' });

describe('A spool has one owner', { timeout: 60_000 }, () => {
  it('within a process, by whatever name it is given, until it is closed', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    const link = join(dirname(path), 'link');
    symlinkSync(path, link);
    mkdirSync(join(dirname(path), 'folder'));
    for (const name of [path, link, join(dirname(path), 'folder', '..', 'a.spool')]) {
      expect(() => spoolAt(name)).toThrow(inUse);
    }
    // Those who were refused took nothing away from the one who owns it.
    spool.append([spooledMessage(1)]);
    spool.close();
    expect(allWaiting(spoolAt(link))).toEqual([spooledMessage(1)]);
  });

  it('among processes, also while it tries again after a failure, and after kill -9 it is free at once', async () => {
    const path = spoolPath();
    const owner = owningProcess(path);
    expect(await owner.said).toBe('owner');
    expect(() => spoolAt(path)).toThrow(inUse);
    expect(() => spoolAt(path)).toThrow(inUse);
    await owner.kill();
    expect(allWaiting(spoolAt(path))).toEqual([spooledMessage(owner.pid)]);
  });

  it('when two processes race for the spool of a dead one: one wins, four times', async () => {
    const path = spoolPath();
    for (let round = 0; round < 4; round++) {
      const moment = `${Date.now() + 1_000}`;
      const racers = [owningProcess(path, moment), owningProcess(path, moment)];
      const said = await Promise.all(racers.map((racer) => racer.said));
      expect(said.toSorted()).toEqual(['owner', 'spool_in_use']);
      await Promise.all(racers.map((racer) => racer.kill()));
    }
    expect(spoolAt(path).depth).toBe(4);
  });

  it('which keeps what waits when it is closed', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    spool.append(spooledMessages(1, 3));
    spool.close();
    expect(allWaiting(spoolAt(path))).toEqual(spooledMessages(1, 3));
  });
});

function owningProcess(path: string, moment = '0') {
  const child = spawn(process.execPath, [program, path, moment], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  return {
    pid: child.pid as number,
    said: once(child.stdout, 'data').then(([data]) => String(data).trim()),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
