import {
  initProducerId,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from "../wire/apis/22-init-producer-id.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * InitProducerId: 0–5.
 *
 * Behaviour: every request gets a fresh id with epoch 0, also one that names an id it had (a producer whose state was
 * lost starts anew). While no controller can be asked for ids, COORDINATOR_LOAD_IN_PROGRESS: ask again.
 *
 * Left out: transactions. A transactional id is refused with INVALID_TXN_STATE.
 */

const NO_PRODUCER = -1;

async function init(
  request: InitProducerIdRequest,
  call: Call<InitProducerIdResponse>,
  broker: BrokerContext,
): Promise<void> {
  if (request.transactionalId !== null) return call.answer(refusal(kafkaErrors.INVALID_TXN_STATE));
  const producerId = await broker.producerIds.take();
  if (producerId === null) return call.answer(refusal(kafkaErrors.COORDINATOR_LOAD_IN_PROGRESS));
  call.answer({ throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch: 0 });
}

const refusal = (errorCode: number): InitProducerIdResponse => ({
  throttleTimeMs: 0,
  errorCode,
  producerId: NO_PRODUCER,
  producerEpoch: -1,
});

export const initProducerIdHandler = handler(initProducerId, { served: { min: 0, max: 5 } }, init);
