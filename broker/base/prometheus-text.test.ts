import { expect, test } from "@jest/globals";
import { prometheusPieces } from "./prometheus-text.ts";
import { Metrics } from "./metrics.ts";

test("counters, histograms and gauges are told in the Prometheus text format", () => {
  const metrics = new Metrics();
  metrics.counter("bytes_total", "Bytes.", { direction: "in" }).add(5);
  metrics.counter("bytes_total", "Bytes.", { direction: 'o"ut' }).add(7);
  const latency = metrics.histogram("latency_seconds", { help: "Latency.", bounds: [0.1, 1] });
  for (const value of [0.05, 0.1, 0.5, 3]) latency.observe(value);
  metrics.gauge("leaders", "Led.", () => [{ labels: {}, value: 3 }]);
  expect(
    [...prometheusPieces(metrics.read())]
      .join("")
      .split("\n")
      .filter((line) => line !== ""),
  ).toEqual([
    "# HELP bytes_total Bytes.",
    "# TYPE bytes_total counter",
    'bytes_total{direction="in"} 5',
    'bytes_total{direction="o\\"ut"} 7',
    "# HELP latency_seconds Latency.",
    "# TYPE latency_seconds histogram",
    'latency_seconds_bucket{le="0.1"} 2',
    'latency_seconds_bucket{le="1"} 3',
    'latency_seconds_bucket{le="+Inf"} 4',
    "latency_seconds_sum 3.65",
    "latency_seconds_count 4",
    "# HELP leaders Led.",
    "# TYPE leaders gauge",
    "leaders 3",
  ]);
});

test("many samples come in pieces that are whole lines", () => {
  const metrics = new Metrics();
  metrics.gauge("many", "Many.", function* () {
    for (let index = 0; index < 10_000; index++) yield { labels: { index: String(index) }, value: index };
  });
  const pieces = [...prometheusPieces(metrics.read())];
  expect(pieces.length).toBeGreaterThan(3);
  for (const piece of pieces) expect(piece.endsWith("\n")).toBe(true);
  expect(pieces.join("").split("\n").length).toBe(2 + 10_000 + 1);
});
