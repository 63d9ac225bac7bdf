import { connect } from "node:net";
import { NetworkingV1Api, type V1Pod } from "@kubernetes/client-node";
import { ANNOUNCE_PATH, CONTROL_PATH, REPLICATION_PATH } from "../../../../broker/contract/control.ts";
import type { Context } from "../context.ts";
import { isIngressAllowed, type PolicyPod } from "../network-policy.ts";

export const name = "a stranger at the internal ports";

const KAFKA_PORT = 9092;
const BROKER_HTTP_PORT = 8081;
const OPERATOR_HTTP_PORT = 8080;
const UNAUTHORIZED = 401;
const LIMIT_MS = 3000;

interface Request {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly authorization?: string;
}

/** Status of the answer; a GET asks for the upgrade that the endpoint offers. */
function statusOf({ host, port, method, path, authorization }: Request): Promise<number> {
  const isUpgrade = method === "GET";
  const headers = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...(isUpgrade ? ["Connection: Upgrade", "Upgrade: tidemark/1"] : ["Connection: close", "Content-Length: 2"]),
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
  ];
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: LIMIT_MS });
    socket.once("timeout", () => socket.destroy(new Error(`${host}:${port} does not answer ${path}`)));
    socket.once("error", reject);
    socket.once("data", (answer) => {
      socket.destroy();
      resolve(Number(answer.toString("latin1").split(" ")[1]));
    });
    socket.write(`${headers.join("\r\n")}\r\n\r\n${isUpgrade ? "" : "{}"}`);
  });
}

async function refused(context: Context): Promise<number> {
  const { kube, cluster, operatorNamespace } = context;
  const [broker] = await kube.brokerPods(cluster);
  const operator = await kube.activeOperator(operatorNamespace);
  const prefix = `/clusters/${cluster.namespace}/${cluster.name}`;
  const atBroker = { host: broker?.status?.podIP ?? "", port: BROKER_HTTP_PORT };
  const requests: Request[] = [
    { ...atBroker, method: "POST", path: ANNOUNCE_PATH },
    { ...atBroker, method: "GET", path: REPLICATION_PATH },
    { host: operator.status?.podIP ?? "", port: OPERATOR_HTTP_PORT, method: "GET", path: `${prefix}${CONTROL_PATH}` },
  ];
  const attempts = requests.flatMap((each) => [each, { ...each, authorization: "Bearer guessed" }]);
  for (const attempt of attempts) {
    const status = await statusOf(attempt);
    const told = `${attempt.method} ${attempt.path} with ${attempt.authorization ?? "no token"}`;
    if (status !== UNAUTHORIZED) throw new Error(`${told} was answered with ${status}`);
  }
  return attempts.length;
}

/** The flows that must be allowed or denied, judged over the live pods and policies. */
async function judged({ kube, cluster, operatorNamespace }: Context): Promise<number> {
  const listed = await kube.config.makeApiClient(NetworkingV1Api).listNetworkPolicyForAllNamespaces();
  const policyPod = async (pod: V1Pod): Promise<PolicyPod> => {
    const namespace = pod.metadata?.namespace ?? "";
    const namespaceLabels = (await kube.namespace(namespace))?.metadata?.labels ?? {};
    return { namespace, labels: pod.metadata?.labels ?? {}, namespaceLabels };
  };
  const brokers = await Promise.all((await kube.brokerPods(cluster)).map(policyPod));
  const [target, other] = brokers;
  const operator = await policyPod(await kube.activeOperator(operatorNamespace));
  if (target === undefined || other === undefined) throw new Error("there are no two brokers");
  const stranger = { ...target, labels: { app: "stranger" } };
  const flows = [
    { who: "a stranger", source: stranger, port: KAFKA_PORT, isAllowed: true },
    { who: "a stranger", source: stranger, port: BROKER_HTTP_PORT, isAllowed: false },
    { who: "a broker", source: other, port: BROKER_HTTP_PORT, isAllowed: true },
    { who: "the operator", source: operator, port: BROKER_HTTP_PORT, isAllowed: true },
  ];
  for (const { who, source, port, isAllowed } of flows) {
    if (isIngressAllowed(listed.items, { source, target, port }) === isAllowed) continue;
    throw new Error(`the NetworkPolicy ${isAllowed ? "denies" : "allows"} ${who} port ${port}`);
  }
  return flows.length;
}

/** Whoever has no token is refused by brokers and operator themselves; enforced policies keep him further off. */
export async function run(context: Context): Promise<string> {
  const [requests, flows] = [await refused(context), await judged(context)];
  return `${requests} requests refused; the NetworkPolicy judges ${flows} flows rightly (it is not enforced here)`;
}
