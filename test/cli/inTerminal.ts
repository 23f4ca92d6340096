/** `node inTerminal.ts <command> <answer>`: gives the command at a pseudo terminal, and types the answer when it is asked. */
import { spawn } from 'node:child_process';

const [command = '', answer = ''] = process.argv.slice(2);
const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
let printed = '';
child.stdout.setEncoding('utf8').on('data', (text: string) => {
  const wasAsked = printed.includes('[y/N]');
  printed += text;
  if (!wasAsked && printed.includes('[y/N]')) child.stdin.write(`${answer}\n`);
});
child.once('close', (code) => {
  process.stdout.write(printed);
  process.exit(code ?? 1);
});
