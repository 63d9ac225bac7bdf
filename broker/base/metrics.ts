/*
 * Counting for those who watch. A count on the hot path is one addition to a field: names, labels and formats are
 * settled when the instrument is made, and put into words only when somebody asks.
 */

/** A number that only grows: requests, bytes. */
export class Counter {
  value = 0;

  add(amount: number): void {
    this.value += amount;
  }
}

/** How often values fell at or below each of `bounds` (ascending); the last bucket takes the rest. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]! += 1;
    this.sum += value;
  }
}

/** Values read at the moment of asking, each with its labels. */
export type Gauge = () => Iterable<Sample>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export type Labels = Readonly<Record<string, string>>;

export interface NamedSample extends Sample {
  readonly name: string;
}

export interface FamilyReading {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "histogram" | "gauge";
  /** Made one after the other as they are asked for: there may be tens of thousands. */
  readonly samples: Iterable<NamedSample>;
}

interface Family {
  readonly help: string;
  readonly type: "counter" | "histogram" | "gauge";
  readonly members: { readonly labels: Labels; readonly instrument: Counter | Histogram | Gauge }[];
}

/** All instruments of one process (of one broker, in a simulation of many). */
export class Metrics {
  readonly #families = new Map<string, Family>();

  /** `name` ends in `_total`. The same name with other labels is another counter of one family. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    const counter = new Counter();
    this.#family(name, help, "counter").members.push({ labels, instrument: counter });
    return counter;
  }

  histogram(name: string, options: { help: string; bounds: readonly number[]; labels?: Labels }): Histogram {
    const histogram = new Histogram(options.bounds);
    const { members } = this.#family(name, options.help, "histogram");
    members.push({ labels: options.labels ?? {}, instrument: histogram });
    return histogram;
  }

  /** `read` is called whenever somebody asks. */
  gauge(name: string, help: string, read: Gauge): void {
    this.#family(name, help, "gauge").members.push({ labels: {}, instrument: read });
  }

  /** A number that only grows, kept by somebody else and read whenever somebody asks. */
  counterOf(name: string, help: string, read: () => number): void {
    this.countersOf(name, help, () => [{ labels: {}, value: read() }]);
  }

  /** The same for several, each with its labels. */
  countersOf(name: string, help: string, read: Gauge): void {
    this.#family(name, help, "counter").members.push({ labels: {}, instrument: read });
  }

  /** Every family as it stands now: samples of a histogram are its buckets (cumulative), its sum and its count. */
  read(): FamilyReading[] {
    return [...this.#families].map(([name, { help, type, members }]) => ({
      name,
      help,
      type,
      samples: samplesOfAll(name, members),
    }));
  }

  #family(name: string, help: string, type: Family["type"]): Family {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const family: Family = { help, type, members: [] };
    this.#families.set(name, family);
    return family;
  }
}

function* samplesOfAll(name: string, members: Family["members"]): Generator<NamedSample> {
  for (const { labels, instrument } of members) {
    if (typeof instrument !== "function") yield* samplesOf(name, labels, instrument);
    else for (const sample of instrument()) yield { name, labels: sample.labels, value: sample.value };
  }
}

function samplesOf(name: string, labels: Labels, instrument: Counter | Histogram): NamedSample[] {
  if (instrument instanceof Counter) return [{ name, labels, value: instrument.value }];
  let count = 0;
  const buckets = Array.from(instrument.counts, (inBucket, index): NamedSample => {
    count += inBucket;
    const le = index < instrument.bounds.length ? String(instrument.bounds[index]) : "+Inf";
    return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { name: `${name}_sum`, labels, value: instrument.sum },
    { name: `${name}_count`, labels, value: count },
  ];
}
