import { httpNetwork, type HttpServer, serveHttp } from "#adapters/http-network.ts";
import { nodeClock } from "#adapters/node-clock.ts";
import { nodeRandom } from "#adapters/node-random.ts";
import { endOnBugs, reasonOf } from "#adapters/process-end.ts";
import { type RequestGuard, tokenGuard } from "#adapters/request-guard.ts";
import { winstonLogger } from "#adapters/winston-logger.ts";
import type { Logger } from "#base/logging.ts";
import { ApiClient } from "./adapters/kubernetes/api-client.ts";
import { ApiLease } from "./adapters/kubernetes/api-lease.ts";
import { ApiShardObjects } from "./adapters/kubernetes/api-shard-objects.ts";
import { apiAccess } from "./adapters/kubernetes/credentials.ts";
import { LeaseElection } from "./adapters/kubernetes/lease-election.ts";
import { ShardStore } from "./adapters/kubernetes/shard-store.ts";
import { ControllerHost } from "./controller-host.ts";
import type { HostPorts } from "./hosted-controller.ts";
import { LEASE_NAME, OperatorMetrics } from "./operator-metrics.ts";
import { OperatorPages } from "./operator-pages.ts";
import { type OperatorOptions, operatorOptions } from "./operator-options.ts";
import type { Election } from "./ports/election.ts";
import { CONTROLLERS, type Reconcilers, startReconcilers } from "./start-reconcilers.ts";

const EXIT = { cleanStop: 0, failed: 1, badStart: 2 } as const;
/** Brokers' manifests, probes and the chart name this port. */
const HTTP_PORT = 8080;

/** One line for people on standard error, then the end. */
function die(code: number, what: string): never {
  process.stderr.write(`tidemark operator: ${what}\n`);
  process.exit(code);
}

/** The operator as a process: waits for the Lease, then has every Cluster's controller and reconciles. */
export async function runOperator(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const options = operatorOptions(env);
    const logger = winstonLogger({ operator: options.podName }, options.logLevel);
    endOnBugs(logger, (reason) => die(EXIT.failed, reason));
    await serve(options, { logger, client: new ApiClient(await apiAccess(env)) });
  } catch (error) {
    die(EXIT.badStart, reasonOf(error));
  }
}

interface Parts {
  readonly logger: Logger;
  readonly client: ApiClient;
}

async function serve(options: OperatorOptions, { logger, client }: Parts): Promise<void> {
  const address = { host: options.podIp, port: HTTP_PORT };
  const host: ControllerHost = new ControllerHost(hostPorts({ logger, client }), {
    address,
    holder: () => election.holder,
  });
  let reconcilers: Reconcilers | null = null;
  const lease = new ApiLease(client, { namespace: options.podNamespace, name: LEASE_NAME, now: () => new Date() });
  const election: Election = new LeaseElection(
    { clock: nodeClock, logger, lease },
    {
      identity: `${options.podUid}_${nodeRandom.id()}`,
      address: `${address.host}:${address.port}`,
      handlers: {
        onElected() {
          host.activate();
          reconcilers = startReconcilers({
            clock: nodeClock,
            logger,
            client,
            controls: host,
            election,
            options,
            meter: metrics,
          });
        },
        onLost() {
          const running = reconcilers;
          reconcilers = null;
          Promise.all([running?.stop(), host.deactivate()]).catch((error: unknown) =>
            die(EXIT.failed, reasonOf(error)),
          );
        },
      },
    },
  );
  const metrics = new OperatorMetrics(
    {
      isLeader: () => election.isCertain,
      clusters: () => host.clusters.map((hosted) => ({ ...hosted.cluster, status: hosted.status() })),
      watchStalenessMs: () => reconcilers?.watchStalenessMs() ?? [],
      queueDepths: () => reconcilers?.queueDepths() ?? [],
    },
    CONTROLLERS,
  );
  const pages = new OperatorPages({ host, election, metrics, isReady: () => election.holder !== null });
  const http = await serveHttp({
    host: "",
    port: HTTP_PORT,
    exchanges: host.exchangeServer,
    guard: guardOf(host, logger),
    fallback: (request, response) => pages.answer(request, response),
  });
  election.start();
  logger.info("the operator runs", { port: HTTP_PORT, namespaces: options.watchNamespaces });
  stopOnSignals(logger, async () => {
    await reconcilers?.stop();
    await stop({ host, election, http });
    client.close();
  });
}

/** Controllers end before the Lease is free: the next holder's claims meet nobody. */
async function stop(parts: { host: ControllerHost; election: Election; http: HttpServer }): Promise<void> {
  await parts.host.deactivate();
  await parts.election.stop();
  await parts.http.close();
}

function hostPorts({ logger, client }: Parts): HostPorts {
  const objectsOf = ({ namespace, name: cluster }: { namespace: string; name: string }): ApiShardObjects =>
    new ApiShardObjects(client, { namespace, cluster });
  return {
    clock: nodeClock,
    random: nodeRandom,
    logger,
    networkWith: httpNetwork,
    storeOf: (cluster, { owner, isRecovering }) =>
      new ShardStore(
        { objects: objectsOf(cluster), logger },
        { cluster: cluster.name, labels: { "tidemark.dev/cluster": cluster.name }, owner, isRecovering },
      ),
    setOwner: (cluster, owner) => objectsOf(cluster).setOwner(owner),
  };
}

/** Where nothing is that could be asked (a standby, an unknown Cluster), there is no token either, and no secret. */
function guardOf(host: ControllerHost, logger: Logger): RequestGuard {
  const guard = tokenGuard({ logger, nowMs: () => nodeClock.monotonic() }, (path) => host.tokensAt(path));
  return (request) => (host.tokensAt(request.path) === null ? null : guard(request));
}

function stopOnSignals(logger: Logger, stopAll: () => Promise<void>): void {
  let isStopping = false;
  const onSignal = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info("stopping", { signal });
    stopAll().then(
      () => process.exit(EXIT.cleanStop),
      (error: unknown) => die(EXIT.failed, reasonOf(error)),
    );
  };
  process.on("SIGTERM", () => onSignal("SIGTERM"));
  process.on("SIGINT", () => onSignal("SIGINT"));
}
