/**
 * `node --expose-gc --import preload.ts …`: SIGUSR2 collects garbage, so that what a process holds can be told from what
 * it let go; and the process ends with the one that started it, however that ends.
 */
process.on('SIGUSR2', () => globalThis.gc?.());
process.on('disconnect', () => process.exit());
process.channel?.unref();
