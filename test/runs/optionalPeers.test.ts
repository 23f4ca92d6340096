import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

describe('where LangChain is not installed', () => {
  const project = mkdtempSync(join(tmpdir(), 'indelible-without-peers-'));

  beforeAll(() => {
    cpSync(join(root, 'src'), join(project, 'src'), { recursive: true });
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      const link = join(project, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), link);
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(project, 'team.js'),
      `export default { run: async () => ({ agentName: 'Ann', content: 'Done.' }) };`,
    );
    writeFileSync(join(project, 'graph.js'), 'export default { lg_is_pregel: true, invoke() {}, withConfig() {} };');
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** What `program` answers, as Node runs it in that project. */
  async function answerOf(program: string): Promise<unknown> {
    const text = `const answer = await (async () => { ${program} })(); console.log(JSON.stringify(answer));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', text], { cwd: project });
    return JSON.parse(stdout);
  }

  test('the demo team runs to its end', async () => {
    const program = `
      const { openIndelible } = await import('./src/agents/indelible.ts');
      const { Runner } = await import('./src/runs/runner.ts');
      const { demoTeam } = await import('./src/runs/teams/demo.ts');
      const indelible = await openIndelible({ store: 'sqlite::memory:' });
      const { ended, plan } = await new Runner(indelible, [demoTeam]).start({ description: 'Count these words' });
      const status = await ended;
      const messages = await indelible.persistence.getMessagesForPlan(plan.planId);
      await indelible.close();
      return [status, messages.length];`;
    expect(await answerOf(program)).toEqual(['completed', 6]);
  });

  test('a team that is no graph can be loaded and run', async () => {
    const program = `
      const { loadTeam } = await import('./src/runs/teams/loadTeam.ts');
      return (await loadTeam('./team.js')).run({});`;
    expect(await answerOf(program)).toEqual({ agentName: 'Ann', content: 'Done.' });
  });

  test.each([
    [
      'a graph, when it is loaded',
      `const { loadTeam } = await import('./src/runs/teams/loadTeam.ts');
       return loadTeam('./graph.js')`,
      'npm install @langchain/core @langchain/langgraph',
    ],
    [
      'the team on an OpenAI-compatible endpoint, when it is to run',
      `const { openAiTeam } = await import('./src/runs/teams/openAiCompatible.ts');
       const env = { INDELIBLE_MODEL: 'little-model', OPENAI_API_KEY: 'sk-test' };
       return openAiTeam(env).run({})`,
      'npm install @langchain/core @langchain/langgraph @langchain/openai',
    ],
  ])('the command that installs what is missing is said by %s', async (_what, program, command) => {
    const answer = await answerOf(`${program}.catch(({ code, message, cause }) => [code, message, cause?.code]);`);
    expect(answer).toEqual(['team_unusable', expect.stringContaining(command), 'ERR_MODULE_NOT_FOUND']);
  });

  test.each([
    ['sqlite::memory:', 'npm install @langchain/langgraph'],
    ['postgres://127.0.0.1:1/none', 'npm install @langchain/langgraph @langchain/langgraph-checkpoint-postgres'],
  ])('the command that installs what checkpoints on %s need is said', async (address, command) => {
    const program = `
      const { openCheckpointer } = await import('./src/agents/checkpoints/openCheckpointer.ts');
      return openCheckpointer('${address}').catch(({ code, message }) => [code, message]);`;
    expect(await answerOf(program)).toEqual(['package_missing', expect.stringMatching(new RegExp(`${command}$`))]);
  });
});
