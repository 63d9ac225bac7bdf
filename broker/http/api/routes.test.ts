import { expect, test } from "@jest/globals";
import { openApi } from "./openapi.ts";
import { match, routes } from "./routes.ts";

test("the document describes every page, and no other", () => {
  const described = Object.entries(openApi["paths"] as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test("every schema that the document refers to is there", () => {
  const named = [...JSON.stringify(openApi).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  const { schemas } = openApi["components"] as { schemas: object };
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => name !== undefined && !Object.hasOwn(schemas, name))).toEqual([]);
});

test("a path names its parts, unescaped", () => {
  expect(match("/topics/a%2Fb/partitions/3/offsets")).toMatchObject({
    path: "/topics/{topic}/partitions/{partition}/offsets",
    params: { topic: "a/b", partition: "3" },
  });
  expect(match("/topics")?.routes.map(({ method }) => method)).toEqual(["GET"]);
  expect(match("/topics/t")?.routes.map(({ method }) => method)).toEqual(["GET", "POST"]);
});

test.each(["", "/topic", "/topics/", "/topics//events", "/topics/%zz", "/topics/t/events/", "//topics"])(
  "%j is no page",
  (path) => expect(match(path)).toBeNull(),
);
