import { expect, test } from "@jest/globals";
import { bytesOf } from "./quantity.ts";
import { switchesOf } from "./switches.ts";

test.each([
  ["1Gi", 1024 ** 3],
  ["1.5Gi", 1.5 * 1024 ** 3],
  ["500M", 500e6],
  ["12345", 12345],
  [undefined, 0],
])("the size %s is %d bytes", (quantity, bytes) => expect(bytesOf(quantity)).toBe(bytes));

test("what is no size is refused, not taken for nothing", () => {
  expect(() => bytesOf("12 GB")).toThrow("12 GB is no size");
  expect(() => bytesOf("1e3Xi")).toThrow("1e3Xi is no size");
});

test("what the machine plays is on, unless it is switched off or told to fail", () => {
  expect(switchesOf(undefined)).toEqual({ provisioner: "on", resizer: "on", loadBalancer: "on" });
  expect(switchesOf({ data: { resizer: "fail", loadBalancer: "off", provisioner: "perhaps" } })).toEqual({
    provisioner: "on",
    resizer: "fail",
    loadBalancer: "off",
  });
});
