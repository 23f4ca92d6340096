export type Progress = (what: string) => void;

/** Says on stderr what is being measured: over one line in a terminal, else a line each. stdout is for results. */
export function progressOn(stream: NodeJS.WriteStream, section: string): Progress {
  const start = performance.now();
  return (what) => {
    const line = `${section}, ${((performance.now() - start) / 1000).toFixed(0)} s: ${what}`;
    stream.write(stream.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  };
}

/** Clears the line that {@link progressOn} writes over. */
export function endProgress(stream: NodeJS.WriteStream): void {
  if (stream.isTTY) stream.write('\r\u001b[2K');
}
