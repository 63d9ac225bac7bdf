import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { Api } from "../../broker/wire/api.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, joined } from "../../broker/wire/frame.ts";
import { declaredApis, versionsOf } from "./declared-apis.ts";
import type { Filling } from "./sample-message.ts";
import { sampleMessage } from "./sample-message.ts";

const fillings: readonly Filling[] = ["least", "most", 1, 2, 3, 4, 5, 6, 7, 8];
const apis = await declaredApis();

/** A frame whose size prefix has been checked and taken off. */
function unsized(frame: Buffer): Buffer {
  expect(frame.readInt32BE(0)).toBe(frame.length - 4);
  return frame.subarray(4);
}

/** A message as text: comparing byte strings element by element is what takes a test runner's time. */
const comparable = (body: unknown): string =>
  inspect(body, { depth: 12, maxArrayLength: 2_000, maxStringLength: null });

function expectRequestRoundTrip(api: Api, version: number, filling: Filling): void {
  const body = sampleMessage(api.request, version, filling);
  const frame = joined(encodeRequest(api, { version, correlationId: 77, clientId: "sampler" }, body));
  const decoded = decodeRequest(api, unsized(frame));
  expect(decoded.header).toEqual({ apiKey: api.key, apiVersion: version, correlationId: 77, clientId: "sampler" });
  expect(comparable(decoded.body)).toBe(comparable(body));
}

function expectResponseRoundTrip(api: Api, version: number, filling: Filling): void {
  const body = sampleMessage(api.response, version, filling);
  const frame = joined(encodeResponse(api, { version, correlationId: -3 }, body));
  const decoded = decodeResponse(api, version, unsized(frame));
  expect(decoded.correlationId).toBe(-3);
  expect(comparable(decoded.body)).toBe(comparable(body));
}

test("every key of the first served set is declared", () => {
  expect(apis.map(({ key }) => key)).toEqual([
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 42, 43, 44, 45, 46, 47, 60,
    74, 75,
  ]);
});

describe.each(apis.map((api) => [api.name, api] as const))("%s", (_name, api) => {
  test.each(versionsOf(api))("version %i of the request is read back as it was written", (version) => {
    for (const filling of fillings) expectRequestRoundTrip(api, version, filling);
  });

  test.each(versionsOf(api))("version %i of the response is read back as it was written", (version) => {
    for (const filling of fillings) expectResponseRoundTrip(api, version, filling);
  });
});
