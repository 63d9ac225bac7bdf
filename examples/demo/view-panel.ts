import type { Moment, Scene, View } from "./scene.ts";

const FRAME_MS = 80;
/** Room that the panel and the lines above it need. */
export const PANEL_COLUMNS = 84;
export const PANEL_ROWS = 30;
const SPARK_COLUMNS = 66;
const SPARKS = " ▁▂▃▄▅▆▇█";

const count = (value: number): string => value.toLocaleString("en-US");

/** Colours of the brokers and of the moods; none when the terminal's owner asks for none. */
export class Paint {
  readonly #isOn: boolean;

  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  #wrap(code: string, text: string): string {
    return this.#isOn ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  readonly bold = (text: string): string => this.#wrap("1", text);
  readonly dim = (text: string): string => this.#wrap("2", text);
  readonly good = (text: string): string => this.#wrap("32", text);
  readonly bad = (text: string): string => this.#wrap("1;31", text);
  readonly ailing = (text: string): string => this.#wrap("38;5;209", text);
  readonly accent = (text: string): string => this.#wrap("36", text);
  /** Each broker its own colour. */
  broker(id: number, text: string): string {
    return this.#wrap(["38;5;39", "38;5;208", "38;5;77"][id % 3] ?? "37", text);
  }
}

/** A panel that redraws itself in place; what it showed last stays on the screen. */
export class PanelView implements View {
  readonly #write: (text: string) => void;
  readonly #paint: Paint;
  #lines = 0;
  #drawnAtMs = 0;

  constructor(write: (text: string) => void, paint: Paint) {
    this.#write = write;
    this.#paint = paint;
    write("\x1b[?25l");
  }

  update(scene: Scene): void {
    if (performance.now() - this.#drawnAtMs >= FRAME_MS) this.#draw(scene);
  }

  moment(scene: Scene, _moment: Moment): void {
    this.#draw(scene);
  }

  close(scene: Scene): void {
    this.#draw(scene);
    this.#write("\x1b[?25h");
  }

  #draw(scene: Scene): void {
    this.#drawnAtMs = performance.now();
    const lines = [
      "",
      ...this.#progress(scene),
      "",
      ...this.#brokers(scene),
      "",
      ...this.#partitions(scene),
      "",
      ...this.#sparks(scene),
      "",
      ...this.#timeline(scene),
    ];
    const up = this.#lines === 0 ? "" : `\x1b[${this.#lines}A`;
    this.#write(`${up}${lines.map((line) => `\x1b[2K  ${line}\n`).join("")}\x1b[0J`);
    this.#lines = lines.length;
  }

  #progress(scene: Scene): string[] {
    const { acked, count: total, readBack, tenths } = scene;
    const recent = tenths.slice(-11, -1);
    const perSecond =
      readBack === null && recent.length > 0 ? (recent.reduce((sum, one) => sum + one, 0) / recent.length) * 10 : 0;
    const done = readBack ?? acked;
    const share = total === null || total === 0 ? 0 : done / total;
    const width = 40;
    const full = Math.min(width, Math.floor(share * width));
    const bar = this.#paint.accent("━".repeat(full)) + this.#paint.dim("━".repeat(width - full));
    const percent =
      total === null
        ? ""
        : `${Math.floor(share * 100)
            .toString()
            .padStart(3)} %`;
    const what = readBack === null ? "acknowledged" : "read back";
    const rate = perSecond > 0 ? this.#paint.dim(`${count(Math.round(perSecond))}/s, ${scene.pace}`) : "";
    return [`${bar} ${percent}  ${this.#paint.bold(count(done))} ${what}  ${rate}`];
  }

  #brokers(scene: Scene): string[] {
    return scene.brokers.map((id) => {
      const leads = scene.state?.partitions.filter(({ leader }) => leader === id).length ?? 0;
      const inSync = scene.state?.partitions.filter(({ isr }) => isr.includes(id)).length ?? 0;
      const of = scene.state?.partitions.filter(({ replicas }) => replicas.includes(id)).length ?? 0;
      const name = this.#paint.broker(id, `■ broker ${id}`);
      if (scene.dead === id) return `${name}  ${this.#paint.bad("✗ dead".padEnd(10))}`;
      const behind =
        inSync < of ? this.#paint.bad(`in sync in ${inSync} of ${of}`) : this.#paint.dim(`in sync in all ${of}`);
      const bar = this.#paint.broker(id, "▪".repeat(leads).padEnd(26));
      return `${name}  ${`leads ${leads}`.padEnd(10)} ${bar} ${behind}`;
    });
  }

  /** A cell a partition: the leader's number in its colour; dim dots below it, one for each missing replica. */
  #partitions(scene: Scene): string[] {
    const partitions = scene.state?.partitions ?? [];
    const leaders = partitions.map(({ leader }) =>
      leader < 0 ? this.#paint.bad("✗") : this.#paint.broker(leader, String(leader)),
    );
    const isrs = partitions.map(({ isr, replicas }) => {
      const text = String(isr.length);
      return isr.length < replicas.length ? this.#paint.bad(text) : this.#paint.dim(text);
    });
    return [`${this.#paint.dim("leader ")} ${leaders.join("  ")}`, `${this.#paint.dim("in sync")} ${isrs.join("  ")}`];
  }

  /** The whole run in one line: how many records were acknowledged when; in the mood of the failure while it lasts. */
  #sparks(scene: Scene): string[] {
    const { tenths, killedAtTenth, wholeAtTenth } = scene;
    const perColumn = Math.max(1, Math.ceil(tenths.length / SPARK_COLUMNS));
    const columns: { sum: number; isAiling: boolean }[] = [];
    for (let start = 0; start + perColumn <= tenths.length; start += perColumn) {
      const sum = tenths.slice(start, start + perColumn).reduce((total, one) => total + one, 0);
      const isAfterKill = killedAtTenth !== null && start + perColumn > killedAtTenth;
      columns.push({ sum, isAiling: isAfterKill && (wholeAtTenth === null || start < wholeAtTenth) });
    }
    const most = Math.max(1, ...columns.map(({ sum }) => sum));
    const bars = columns.map(({ sum, isAiling }) => {
      const bar = SPARKS[Math.ceil((sum / most) * (SPARKS.length - 1))] ?? " ";
      return isAiling ? this.#paint.ailing(bar) : this.#paint.accent(bar);
    });
    const seconds = (tenths.length / 10).toFixed(0);
    return [`${this.#paint.dim("acks")}     ${bars.join("")} ${this.#paint.dim(`${seconds} s`)}`];
  }

  #timeline(scene: Scene): string[] {
    return scene.moments.map(({ atMs, text, mood }) => {
      const time = `+${(atMs / 1000).toFixed(3)} s`.padStart(10);
      const painted = mood === "plain" ? text : mood === "good" ? this.#paint.good(text) : this.#paint.bad(text);
      return `${this.#paint.dim(time)}  ${painted}`;
    });
  }
}
