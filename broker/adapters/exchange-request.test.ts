import { expect, test } from "@jest/globals";
import { exchangeRequest } from "./exchange-request.ts";

test("an exchange is asked for by an upgrade, below the path of its address", () => {
  const address = { host: "broker-0", port: 9644, path: "/clusters/n/c" };
  expect(exchangeRequest(address, "/v1/control", { authorization: "Bearer t" })).toBe(
    "GET /clusters/n/c/v1/control HTTP/1.1\r\nhost: broker-0:9644\r\nconnection: Upgrade\r\n" +
      "upgrade: tidemark/1\r\nauthorization: Bearer t\r\n\r\n",
  );
});

test("an address of IPv6 stands in brackets", () => {
  expect(exchangeRequest({ host: "::1", port: 1 }, "/x", {})).toContain("\r\nhost: [::1]:1\r\n");
});

test("a path that would begin other lines makes no request", () => {
  for (const path of ["/a b", "/a\r\nx: y", "/\u00e9", "/\u0000"]) {
    expect(exchangeRequest({ host: "h", port: 1, path }, "/x", {})).toBeNull();
  }
});
