import { listConfigResources, type ListConfigResourcesResponse } from "../wire/apis/74-list-config-resources.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";

/*
 * ListConfigResources: 0–1, at any broker.
 *
 * Behaviour: topics and brokers that exist, configured or not. Of what Kafka has beside them (loggers of brokers,
 * client metrics, groups) nothing has configuration here: none are listed. A type that Kafka does not have either is
 * refused with UNSUPPORTED_VERSION, as Kafka refuses it.
 */

type Resource = ListConfigResourcesResponse["configResources"][number];

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;
const KNOWN: readonly number[] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
const TYPES_SINCE = 1;

export const listConfigResourcesHandler = handler(
  listConfigResources,
  { served: { min: 0, max: 1 } },
  ({ resourceTypes }, call, broker) => {
    const all = resourceTypes.length === 0 ? KNOWN : resourceTypes;
    const asked = call.header.apiVersion < TYPES_SINCE ? [CLIENT_METRICS] : all;
    const isKnown = asked.every((type) => KNOWN.includes(type));
    call.answer({
      throttleTimeMs: 0,
      errorCode: isKnown ? 0 : kafkaErrors.UNSUPPORTED_VERSION,
      configResources: isKnown ? resourcesOf(broker, asked) : [],
    });
  },
);

function resourcesOf(broker: BrokerContext, types: readonly number[]): Resource[] {
  const topics = types.includes(TOPIC) ? broker.image.topics().map(({ name }) => name) : [];
  const brokers = types.includes(BROKER) ? broker.image.brokers().map(({ id }) => String(id)) : [];
  return [...named(topics, TOPIC), ...named(brokers, BROKER)];
}

const named = (names: readonly string[], resourceType: number): Resource[] =>
  names.map((resourceName) => ({ resourceName, resourceType }));
