import { createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { type KubeConfig, PortForward } from "@kubernetes/client-node";
// Not of the package's index, though its constructors take it.
import { WebSocketHandler } from "@kubernetes/client-node/dist/web-socket-handler.js";

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** The part of a WebSocket that is needed of the client library's. */
interface Tunnel {
  onclose: (() => void) | null;
  close(): void;
}

/**
 * A port of this machine behind which a port of a pod is, through the API server. Whoever uses this machine can
 * connect to it while it stands, as with `kubectl port-forward`.
 */
export class PodRelay {
  readonly #config: KubeConfig;
  readonly #to: PodPort;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Why the last connection did not reach the pod; null while all is well. */
  fault: string | null = null;

  private constructor(config: KubeConfig, to: PodPort) {
    this.#config = config;
    this.#to = to;
    this.#server = createServer((socket) => void this.#forward(socket));
  }

  static async to(config: KubeConfig, to: PodPort): Promise<PodRelay> {
    const relay = new PodRelay(config, to);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(0, "127.0.0.1", resolve);
    });
    return relay;
  }

  /** Of this machine. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #forward(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // Whatever went wrong, the client sees its connection end, and tries again.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    try {
      const tunnel = await this.#open(socket);
      // What has come is still written.
      tunnel.onclose = () => socket.destroySoon();
      if (socket.destroyed) tunnel.close();
      socket.once("close", () => tunnel.close());
    } catch (error) {
      this.fault = faultOf(error, this.#to);
      socket.destroy();
    }
  }

  #open(socket: Socket): Promise<Tunnel> {
    const { namespace, pod, port } = this.#to;
    const failed = new PassThrough();
    failed.on("data", (words: Buffer) => {
      this.fault = `pod ${namespace}/${pod}: ${words.toString().split("\n", 1)[0]}`;
      socket.destroy();
    });
    // The library closes these when the server says that a stream is at its end: by default our own output.
    const inert = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const handler = new WebSocketHandler(this.#config, undefined, inert);
    const forward = new PortForward(this.#config, true, handler);
    return forward.portForward(namespace, pod, [port], socket, failed, socket) as Promise<unknown> as Promise<Tunnel>;
  }
}

/** In words what the library has as the text of an error: the status with which the tunnel was refused. */
function faultOf(error: unknown, { namespace, pod }: PodPort): string {
  const says = (error as { message?: unknown } | null)?.message;
  const message = typeof says === "string" && says !== "" ? says.split("\n", 1)[0]! : "no reason given";
  const status = /^Unexpected server response: (\d+)/.exec(message)?.[1];
  if (status === "403") {
    return `the kubeconfig's user may not get and create pods/portforward in namespace ${namespace} (forbidden)`;
  }
  if (status === "401") return "the API server does not know the kubeconfig's user (unauthorized)";
  return status === "404" ? `there is no pod ${namespace}/${pod}` : `pod ${namespace}/${pod}: ${message}`;
}
