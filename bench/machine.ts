import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { percentile } from './figures.ts';

/** What the figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  /** Whether the databases lie in memory, where no figure about durability means anything. */
  readonly inMemory: boolean;
  /** Writing 4 KiB behind the last and waiting until the disk has it. */
  readonly fsyncMs: { readonly p50: number; readonly p99: number };
}

const tmpfs = 0x01021994;
const ramfs = 0x858458f6;

export function describeMachine(directory: string): Machine {
  mkdirSync(directory, { recursive: true });
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    sqlite: process.versions['sqlite'] ?? 'unknown',
    inMemory: [tmpfs, ramfs].includes(statfsSync(directory).type),
    fsyncMs: measureFsync(join(directory, `${process.pid}.fsync`)),
  };
}

function measureFsync(path: string): { p50: number; p99: number } {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  const sync = platform() === 'linux' ? fdatasyncSync : fsyncSync;
  const times: number[] = [];
  try {
    for (let count = 0; count < 300; count++) {
      writeSync(file, block, 0, block.length, count * block.length);
      const start = performance.now();
      sync(file);
      times.push(performance.now() - start);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
