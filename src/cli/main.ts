#!/usr/bin/env node
/**
 * The command `indelible`. Imports nothing until it is clear that this Node can run the rest, so that whoever has an
 * older one reads a sentence instead of a missing module.
 */
const needed = { major: 22, minor: 15 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > needed.major || (major === needed.major && minor >= needed.minor)) {
  leaveOutSqliteWarning();
  // Whatever is to end in good order can be told so from here on, also while the rest is still being loaded.
  if (['serve', 'run'].includes(process.argv[2] ?? '')) (await import('./stopSignal.ts')).stopSignal();
  const { runProgram } = await import('./program.ts');
  await runProgram(process.argv.slice(2));
} else {
  process.stderr.write(
    `error: Indelible needs Node ${needed.major}.${needed.minor} or newer; this is Node ${process.versions.node}.\n` +
      'remedy: install a newer Node (https://nodejs.org), then run the command again.\n',
  );
  process.exitCode = 1;
}

/** Node says once that `node:sqlite` is experimental; readers of this command cannot do anything about it. */
function leaveOutSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (warning: string | Error, ...rest: unknown[]) => void;
  const quieter = (warning: string | Error, ...rest: unknown[]): void => {
    const isSqlite = rest[0] === 'ExperimentalWarning' && String(warning).startsWith('SQLite ');
    if (!isSqlite) emitWarning(warning, ...rest);
  };
  process.emitWarning = quieter as typeof process.emitWarning;
}
