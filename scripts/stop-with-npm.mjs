/**
 * Preloaded by `npm start`. npm passes SIGTERM on only as far as the shell that runs the script, and Debian's shell dies
 * of it without telling the server, which would stay behind and hold the port. So: when that shell is gone, stop as if
 * the signal had come.
 */
const shell = process.ppid;

const watch = setInterval(() => {
  if (process.ppid === shell) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
}, 200);
watch.unref();
