import { FileNode, FolderNode, type Loss, type NameChange, type Node } from "./disk-nodes.ts";

/** What the oracle wants to know of a volume. Called after the change. */
export interface VolumeListener {
  written(file: FileNode, position: number, length: number): void;
  truncated(file: FileNode): void;
  /** A file was created, removed or renamed: `name` in `folder` is now another one, or none. */
  nameChanged(folder: FolderNode, name: string): void;
  /** Anything may have changed: the power went. */
  lostPower(): void;
}

const parts = (path: string): string[] => path.split("/").filter((part) => part !== "");

/** One broker's data folder, as the page cache and the platter have it. Knows no time: `SimulatedDisk` does. */
export class Volume {
  root = new FolderNode(null, "");
  listener: VolumeListener | null = null;
  #nameChanges: NameChange[] = [];

  find(path: string): Node | null {
    let node: Node = this.root;
    for (const part of parts(path)) {
      if (!(node instanceof FolderNode)) return null;
      const next: Node | undefined = node.entries.get(part);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  file(path: string): FileNode | null {
    const node = this.find(path);
    return node instanceof FileNode ? node : null;
  }

  folder(path: string): FolderNode | null {
    const node = this.find(path);
    return node instanceof FolderNode ? node : null;
  }

  /** @returns null when the folder it belongs to is not there. */
  createFile(path: string): FileNode | null {
    const { folder, name } = this.#place(path);
    if (folder === null) return null;
    const file = new FileNode(folder, name);
    this.#change({ parts: [{ folder, name, node: file }] });
    return file;
  }

  makeFolder(path: string): void {
    let folder = this.root;
    for (const name of parts(path)) {
      const known = folder.entries.get(name);
      if (known instanceof FolderNode) {
        folder = known;
        continue;
      }
      const made = new FolderNode(folder, name);
      this.#change({ parts: [{ folder, name, node: made }] });
      folder = made;
    }
  }

  /** @returns false when `from` is not there. */
  rename(from: string, to: string): boolean {
    const node = this.find(from);
    const source = this.#place(from);
    const target = this.#place(to);
    if (node === null || source.folder === null || target.folder === null) return false;
    this.#change({
      parts: [
        { folder: source.folder, name: source.name, node: null },
        { folder: target.folder, name: target.name, node },
      ],
    });
    return true;
  }

  remove(path: string): void {
    const { folder, name } = this.#place(path);
    if (folder === null || !folder.entries.has(name)) return;
    this.#change({ parts: [{ folder, name, node: null }] });
  }

  /** What is not yet on the platter of this folder's names; to be given to `syncFolder`. */
  pendingNames(folder: FolderNode): readonly NameChange[] {
    return this.#nameChanges.filter((change) => change.parts.some((part) => part.folder === folder));
  }

  syncNames(changes: readonly NameChange[]): void {
    for (const change of changes) {
      if (!this.#nameChanges.includes(change)) continue;
      for (const { folder, name, node } of change.parts) setEntry(folder.platter, name, node);
    }
    this.#nameChanges = this.#nameChanges.filter((change) => !changes.includes(change));
  }

  /** The power went: names and sectors that were not synced are kept or lost, each by itself. */
  losePower(loss: Loss): void {
    for (const change of this.#nameChanges) {
      if (!loss.random.chance(loss.keptShare)) continue;
      for (const { folder, name, node } of change.parts) setEntry(folder.platter, name, node);
    }
    this.#nameChanges = [];
    restore(this.root, loss);
    this.listener?.lostPower();
  }

  /** Everything is gone, as with a new disk. */
  wipe(): void {
    this.root = new FolderNode(null, "");
    this.#nameChanges = [];
    this.listener?.lostPower();
  }

  #place(path: string): { folder: FolderNode | null; name: string } {
    const cut = path.lastIndexOf("/");
    const folder = cut < 0 ? this.root : this.folder(path.slice(0, cut));
    return { folder, name: path.slice(cut + 1) };
  }

  #change(change: NameChange): void {
    this.#nameChanges.push(change);
    for (const { folder, name, node } of change.parts) {
      setEntry(folder.entries, name, node);
      if (node !== null) {
        node.parent = folder;
        node.name = name;
      }
    }
    for (const { folder, name } of change.parts) this.listener?.nameChanged(folder, name);
  }
}

function setEntry(entries: Map<string, Node>, name: string, node: Node | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}

function restore(folder: FolderNode, loss: Loss): void {
  folder.entries = new Map(folder.platter);
  for (const [name, node] of folder.entries) {
    node.parent = folder;
    node.name = name;
    if (node instanceof FolderNode) restore(node, loss);
    else node.losePower(loss);
  }
}
