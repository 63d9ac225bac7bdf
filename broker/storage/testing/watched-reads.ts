import type { Disk } from "../../ports/disk.ts";

/** The first read of the file that is next opened by that name calls `hold` and answers after `isReleased`. */
export function holdFirstRead(disk: Disk, name: string, on: { hold: () => void; isReleased: Promise<void> }): void {
  const open = disk.open.bind(disk);
  disk.open = async (path, options) => {
    const file = await open(path, options);
    if (file === null || !path.endsWith(name)) return file;
    disk.open = open;
    const read = file.read.bind(file);
    file.read = async (target, position) => {
      file.read = read;
      const count = await read(target, position);
      on.hold();
      await on.isReleased;
      return count;
    };
    return file;
  };
}

/** Sizes in bytes of what is asked of the files by that name which are opened from now on; grows. */
export function sizesOfReads(disk: Disk, name: string): number[] {
  const sizes: number[] = [];
  const open = disk.open.bind(disk);
  disk.open = async (path, options) => {
    const file = await open(path, options);
    if (file === null || !path.endsWith(name)) return file;
    const read = file.read.bind(file);
    file.read = (target, position) => {
      sizes.push(target.length);
      return read(target, position);
    };
    return file;
  };
  return sizes;
}
