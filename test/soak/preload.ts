/**
 * `node --expose-gc --import preload.ts …`: SIGUSR2 collects garbage and says what is left, so that what a process holds
 * can be told from what it let go; and the process ends with the one that started it, however that ends.
 */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.send?.({ type: 'heap', usedBytes: process.memoryUsage().heapUsed });
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
