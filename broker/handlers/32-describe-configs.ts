import {
  configTypeNumbers,
  type DescribedConfig,
  describeBrokerConfig,
  describeTopicConfig,
} from "../contract/config-values.ts";
import type { Outcome } from "../contract/control.ts";
import { topicNameProblem } from "../contract/topic-name.ts";
import {
  describeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from "../wire/apis/32-describe-configs.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { resourceKind, unknownResourceType } from "./config-resources.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";

/*
 * DescribeConfigs: 1–4, of topics and brokers, at any broker.
 *
 * Behaviour: every key that exists, with its value in force, where that comes from, and the chain of what else speaks
 * about it. Of a broker: its id, or "" for what is set dynamically for all brokers. Nothing here is secret.
 */

type Asked = DescribeConfigsRequest["resources"][number];
type Result = DescribeConfigsResponse["results"][number];
type Detail = Pick<DescribeConfigsRequest, "includeSynonyms" | "includeDocumentation">;

export const describeConfigsHandler = handler(
  describeConfigs,
  { served: { min: 1, max: 4 } },
  (request, call, broker) =>
    call.answer({ throttleTimeMs: 0, results: request.resources.map((asked) => describe(broker, asked, request)) }),
);

function describe(broker: BrokerContext, asked: Asked, detail: Detail): Result {
  const { resourceType, resourceName, configurationKeys } = asked;
  const described = configsOf(broker, resourceType, resourceName);
  if ("errorCode" in described) {
    const { errorCode, errorMessage } = described;
    return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
  }
  const wanted = described.filter(({ name }) => configurationKeys === null || configurationKeys.includes(name));
  const configs = wanted.map((config) => entry(config, detail));
  return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs };
}

function configsOf(broker: BrokerContext, type: number, name: string): DescribedConfig[] | Outcome {
  switch (resourceKind(type)) {
    case "topic":
      return topicConfigs(broker, name);
    case "broker":
      if (name !== "" && !broker.image.brokers().some(({ id }) => String(id) === name)) {
        const errorMessage = `there is no broker "${name}"; give a broker's id, or "" for all brokers`;
        return { errorCode: kafkaErrors.INVALID_REQUEST, errorMessage };
      }
      return describeBrokerConfig(name, broker.layersOf(name));
    case undefined:
      return { errorCode: kafkaErrors.INVALID_REQUEST, errorMessage: unknownResourceType(type) };
  }
}

function topicConfigs(broker: BrokerContext, name: string): DescribedConfig[] | Outcome {
  const problem = topicNameProblem(name);
  if (problem !== null) return { errorCode: kafkaErrors.INVALID_TOPIC_EXCEPTION, errorMessage: problem };
  const topic = broker.image.topicByName(name);
  if (topic !== undefined) return describeTopicConfig(topic.config, broker.layersOf(String(broker.brokerId)));
  return { errorCode: kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `there is no topic ${name}` };
}

const entry = (config: DescribedConfig, detail: Detail): Result["configs"][number] => ({
  name: config.name,
  value: config.value,
  readOnly: config.isReadOnly,
  configSource: config.source,
  isSensitive: false,
  synonyms: detail.includeSynonyms ? config.synonyms : [],
  configType: configTypeNumbers[config.key.type],
  documentation: detail.includeDocumentation ? config.key.doc : null,
});
