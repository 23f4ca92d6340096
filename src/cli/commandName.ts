/** How whoever reads this gives another command of ours: the way this one was given. */
export function commandName(script: string | undefined, environment: NodeJS.ProcessEnv): string {
  if (script?.endsWith('.ts')) return 'npm run -s indelible --';
  return environment['npm_command'] === 'exec' ? 'npx indelible' : 'indelible';
}
