import { describe, expect, test } from 'vitest';
import { evaluateArithmetic } from '../../src/runs/teams/arithmetic.ts';

describe('the calculator', () => {
  test.each<[string, number]>([
    ['1', 1],
    [' 1 + 2 * 3 ', 7],
    ['(1 + 2) * 3', 9],
    ['10 / 4 / 5', 0.5],
    ['10 - 4 - 5', 1],
    ['17 % 5 * 2', 4],
    ['2 ^ 3 ^ 2', 512],
    ['2 ** 10', 1024],
    ['-2 ^ 2', -4],
    ['2 ^ -1', 0.5],
    ['--3', 3],
    ['1.5e3 + .5', 1500.5],
    ['((((7))))', 7],
  ])('gives %s = %d', (expression, value) => {
    expect(evaluateArithmetic(expression)).toBe(value);
  });

  test.each<[string, RegExp]>([
    ['', /ends where/],
    ['1 +', /ends where/],
    ['(1', /ends where/],
    ['1 2', /at "2"/],
    ['1)', /at "\)"/],
    ['process.exit()', /at "process\.exit\(\)"/],
    ['constructor', /at "constructor"/],
    ['1; 2', /at "; 2"/],
    ['0x10', /at "x10"/],
    ['1 / 0', /not a finite number/],
    ['9 ^ 9 ^ 9', /not a finite number/],
    ['('.repeat(1_001), /longer than/],
    ['('.repeat(1_000), /ends where/],
  ])('refuses %s', (expression, reason) => {
    expect(() => evaluateArithmetic(expression)).toThrow(reason);
  });
});
