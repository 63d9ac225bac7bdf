import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { dashboards, queriesOf } from "./all.ts";
import { evaluateDashboard, withVariables } from "./evaluate.ts";

test("variables are filled in, Grafana's own too, and what nobody chose is left", () => {
  const query = 'rate(a{n="$namespace",p=~"${pod}"}[$__rate_interval]) + $other';
  expect(withVariables(query, { namespace: "shop", pod: ".*" })).toBe('rate(a{n="shop",p=~".*"}[1m]) + $other');
});

test("a query without a series and one that is refused are told apart", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    asked += 1;
    const refused = { status: "error", error: "no such function" };
    const empty = { status: "success", data: { result: [] } };
    response.end(JSON.stringify(asked === 1 ? refused : empty));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { topic } = dashboards;
  const results = await evaluateDashboard(`http://127.0.0.1:${port}`, topic!, { namespace: "here" });
  server.close();
  expect(results.length).toBe(queriesOf(topic!).length);
  expect([results[0]?.series, results[0]?.error]).toEqual([null, "no such function"]);
  expect([results[1]?.series, results[1]?.error]).toEqual([0, ""]);
});
