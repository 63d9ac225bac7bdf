import type { Moment, Scene, View } from "./scene.ts";

const LINE_MS = 2000;

const count = (value: number): string => value.toLocaleString("en-US");
const at = ({ atMs }: Moment): string => `+${(atMs / 1000).toFixed(3)} s  `;

/** Plain lines, for logs and pipes. */
export class LogView implements View {
  readonly #write: (text: string) => void;
  #saidAtMs = performance.now();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  update(scene: Scene): void {
    if (performance.now() - this.#saidAtMs < LINE_MS) return;
    this.#saidAtMs = performance.now();
    const total = scene.count === null ? "" : ` of ${count(scene.count)}`;
    const read = scene.readBack === null ? "" : `, ${count(scene.readBack)} read back`;
    const inSync = scene.state?.partitions.filter(({ isr, replicas }) => isr.length === replicas.length).length ?? 0;
    const partitions =
      scene.state === null ? "" : `, ${inSync}/${scene.state.partitions.length} partitions fully in sync`;
    this.#write(`${count(scene.acked)}${total} records acknowledged${read}${partitions}\n`);
  }

  moment(_scene: Scene, moment: Moment): void {
    this.#write(`${at(moment)}${moment.text}\n`);
  }

  close(): void {}
}
