import { expect, test } from "@jest/globals";
import { recordQuery } from "./read-query.ts";

test.each(["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.998Z", "1900-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])(
  "from time:%s is the beginning of time, not one of ListOffsets' special timestamps",
  (text) => {
    const query = new URLSearchParams({ from: `time:${text}` });
    expect(recordQuery(query)).toMatchObject({ start: { kind: "time", timestampMs: 0 } });
  },
);
