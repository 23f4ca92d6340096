import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openLogger } from '../../src/cli/logger.ts';
import { Output } from '../../src/cli/output.ts';
import { eventLog } from '../../src/observe/eventLog.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';

describe('the log of a command', () => {
  it('tells of a failing team with its stack, in one line', () => {
    const { lines, logger } = logged();
    const error = new TypeError('first\nsecond', { cause: new RangeError('deeper') });
    eventLog(logger)({ type: 'run_failed', planId: 'p', teamId: 't', error });
    expect(lines()).toHaveLength(1);
    expect(JSON.parse(lines()[0] as string)).toMatchObject({
      type: 'run_failed',
      error: {
        name: 'TypeError',
        message: 'first\nsecond',
        stack: error.stack,
        cause: { name: 'RangeError', message: 'deeper', stack: expect.stringContaining('logger.test.ts') },
      },
    });
  });

  it('tells of our own errors with their code, and without a stack', () => {
    const { lines, logger } = logged();
    eventLog(logger)({ type: 'run_failed', planId: 'p', teamId: 't', error: new IndelibleError('store_refused') });
    logger.error({ error: new IndelibleError('store_refused') }, 'direct');
    for (const line of lines()) {
      const { error } = JSON.parse(line);
      expect(error).toMatchObject({ code: 'store_refused' });
      expect(error).not.toHaveProperty('stack');
    }
  });

  it.each([['a text'], [{ an: 'object' }], [7], [null]])('passes on what is no error as it is: %j', (thrown) => {
    const { lines, logger } = logged();
    logger.error({ error: thrown }, 'direct');
    expect(JSON.parse(lines()[0] as string).error).toEqual(thrown);
  });

  it('has a line also for what cannot be made a text', () => {
    const { lines, logger } = logged();
    eventLog(logger)({ type: 'run_failed', planId: 'p', teamId: 't', error: Object.create(null) });
    expect(lines()).toHaveLength(1);
  });

  it('does not blame the database for a spool that fails, nor the spool for a database that does', () => {
    const { lines, logger } = logged();
    const retried = { type: 'batch_retried', size: 0, attempt: 1, delayMs: 20 } as const;
    for (const code of ['spool_unavailable', 'spool_damaged', 'store_unavailable'] as const) {
      eventLog(logger)({ ...retried, error: new IndelibleError(code) });
    }
    const spool = 'spool not readable or writable: trying again';
    const told = lines().map((line) => JSON.parse(line).msg);
    expect(told).toEqual([spool, spool, 'database not writable: trying again']);
  });

  it('in a terminal is one line as well, and says where it was thrown', () => {
    const { lines, logger } = logged(true);
    const error = new Error('first\nsecond\u009b');
    eventLog(logger)({ type: 'run_failed', planId: 'p', teamId: 't', error });
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatch(/run failed.*first␊second\\u009b \(at .*logger\.test\.ts:\d+:\d+\)$/);
  });
});

function logged(isTTY = false) {
  let text = '';
  const stream = (): NodeJS.WriteStream => Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream;
  const stderr = stream();
  stderr.on('data', (chunk) => {
    text += chunk;
  });
  const lines = () => stripVTControlCharacters(text).split('\n').slice(0, -1);
  return { lines, logger: openLogger(new Output(stream(), stderr), 'info') };
}
