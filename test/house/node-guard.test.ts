import { describe, expect, it } from 'vitest';
import { nodeProblem } from '../../scripts/node-guard.mjs';

const brought = { installed: true, nodeBrought: true };
const scriptsSkipped = { installed: true, nodeBrought: false };

describe('the node guard', () => {
  it.each(['22.15.0', '22.18.0', '23.0.0', '24.9.0', '30.1.2'])('lets Node %s pass, brought or not', (version) => {
    expect(nodeProblem({ version, ...brought })).toBeUndefined();
    expect(nodeProblem({ version, ...scriptsSkipped })).toBeUndefined();
  });

  it.each(['18.19.0', '20.20.2', '21.7.0', '22.14.9'])('tells the user of Node %s the remedy', (version) => {
    const problem = nodeProblem({ version, ...scriptsSkipped });
    expect(problem?.split('\n').length).toBeLessThanOrEqual(3);
    expect(problem).toContain(`this is Node ${version}`);
    expect(problem).toContain('npm rebuild node');
    expect(problem).toContain('Node 22.15 or newer');
  });

  it('points to npm where the brought Node is there but was not used', () => {
    expect(nodeProblem({ version: '20.20.2', ...brought })).toContain('start through npm');
  });

  it('asks for an install where there is none', () => {
    expect(nodeProblem({ version: '24.9.0', installed: false, nodeBrought: false })).toContain('npm ci');
  });
});
