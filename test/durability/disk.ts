import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const execute = promisify(execFile);

/** The kernel writes nothing by itself while a test lasts: what nobody asked to be on disk is not. */
const lazily = 'noatime,commit=300';

export interface DiskOptions {
  readonly megabytes: number;
  /** For a control: the file system never tells the disk to write what is in its cache. */
  readonly barriers?: boolean;
}

/** What a disk held when the power went, put into another machine. */
export interface Remains {
  /** Where it is mounted. */
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * A disk with a cache that the power takes away, made of files: an ext4 on a loop device whose image lies on another
 * ext4 on a loop device.
 *
 *     process → ext4 → loop → inner image │ page cache of the outer ext4 │ → loop → outer image
 *               page cache                │ = the cache of the disk      │   = what is on the platter
 *
 * `fsync` in the inner file system becomes writes to its device and then a flush of it, which is an `fsync` of the inner
 * image. So the inner image, read where it lies, is all that the disk was given; and the inner image inside of a copy of
 * the outer image is what it was told to keep. Both are what a power cut may leave. Needs root.
 */
export class Disk {
  /** Where it is mounted. */
  readonly folder: string;
  readonly #place: string;
  readonly #outer: string;
  #copies = 0;

  private constructor(place: string) {
    this.#place = place;
    this.#outer = join(place, 'outer');
    this.folder = join(place, 'inner');
  }

  /** Until the test is finished. */
  static async make({ megabytes, barriers = true }: DiskOptions): Promise<Disk> {
    const place = mkdtempSync(join(tmpdir(), 'indelible-disk-'));
    const disk = new Disk(place);
    onTestFinished(async () => {
      await unmount(disk.folder);
      await unmount(disk.#outer);
      rmSync(place, { recursive: true });
    });
    const outerImage = join(place, 'outer.img');
    const innerImage = join(disk.#outer, 'inner.img');
    // Written full of zeros, so that later writes change no block's place: what is flushed is the data alone.
    await zeros(outerImage, megabytes + 16);
    await format(outerImage);
    await mount(outerImage, disk.#outer, lazily);
    await zeros(innerImage, megabytes);
    await format(innerImage);
    await execute('sync', ['-f', innerImage]);
    await mount(innerImage, disk.folder, barriers ? lazily : `${lazily},barrier=0`);
    await execute('sync', ['-f', disk.folder]);
    return disk;
  }

  /**
   * All that the disk was given until now, in an instant: writers go on, and may be in the middle of an `fsync`. The cache
   * of this disk survives the power cut, as if it had a battery.
   */
  async cutWithCache(): Promise<Remains> {
    const copy = this.#next();
    // Nobody can write to the inner image meanwhile: its device waits.
    await execute('fsfreeze', ['-f', this.#outer]);
    try {
      await execute('cp', [join(this.#outer, 'inner.img'), copy]);
    } finally {
      await execute('fsfreeze', ['-u', this.#outer]);
    }
    return await remainsOf(copy);
  }

  /** What the disk was told to keep until now. Whoever writes to it must be paused: see {@link WriterProcess.pause}. */
  async cutWithoutCache(): Promise<Remains> {
    const copy = this.#next();
    // Twice the same: nothing was on its way when it was copied.
    do await execute('cp', [join(this.#place, 'outer.img'), copy]);
    while (!readFileSync(copy).equals(readFileSync(join(this.#place, 'outer.img'))));
    const outer = await remainsOf(copy);
    const inner = await remainsOf(join(outer.folder, 'inner.img'), `${copy}.inner`);
    return {
      folder: inner.folder,
      async remove() {
        await unmount(inner.folder);
        await outer.remove();
      },
    };
  }

  #next(): string {
    return join(this.#place, `cut-${++this.#copies}.img`);
  }
}

async function remainsOf(image: string, folder = `${image}.mounted`): Promise<Remains> {
  await mount(image, folder, 'noatime');
  return {
    folder,
    async remove() {
      await unmount(folder);
      rmSync(image);
    },
  };
}

async function mount(image: string, folder: string, options: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await execute('mount', ['-t', 'ext4', '-o', `loop,${options}`, image, folder]);
}

/** Also while somebody has files open there, as a test that failed may. The loop device goes with it. */
async function unmount(folder: string): Promise<void> {
  await execute('umount', ['--lazy', folder]).catch(() => {});
}

async function format(image: string): Promise<void> {
  await execute('mkfs.ext4', [
    '-q',
    '-F',
    '-b',
    '4096',
    '-E',
    'lazy_itable_init=0,lazy_journal_init=0,nodiscard',
    image,
  ]);
}

async function zeros(path: string, megabytes: number): Promise<void> {
  await execute('dd', ['if=/dev/zero', `of=${path}`, 'bs=1M', `count=${megabytes}`]);
}
