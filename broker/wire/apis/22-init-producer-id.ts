import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { boolean, int16, int32, int64, string } from "../schema.ts";

/*
 * InitProducerId: hands out producer ids. v2 is flexible; v3 bumps the epoch of a producer that exists (KIP-360);
 * v4 can say PRODUCER_FENCED; v5 is for KIP-890; v6 is for two-phase commit (KIP-939), which Kafka itself still calls
 * unstable.
 */

const request = {
  transactionalId: string.nullable(),
  transactionTimeoutMs: int32,
  producerId: int64.since(3).default(-1),
  producerEpoch: int16.since(3).default(-1),
  enable2Pc: boolean.since(6).default(false),
  keepPreparedTxn: boolean.since(6).default(false),
};

const response = {
  throttleTimeMs: int32.ignorable(),
  errorCode: int16,
  producerId: int64.default(-1),
  producerEpoch: int16,
  ongoingTxnProducerId: int64.since(6).default(-1),
  ongoingTxnProducerEpoch: int16.since(6).default(-1),
};

export type InitProducerIdRequest = Infer<typeof request>;
export type InitProducerIdResponse = Draft<typeof response>;

export const initProducerId = defineApi({
  key: 22,
  name: "InitProducerId",
  versions: { min: 0, max: 6 },
  flexibleFrom: 2,
  request,
  response,
});
