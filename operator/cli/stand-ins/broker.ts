// A broker that only listens, says who it is, and registers again and again.
import { existsSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createServer as createTcpServer } from "node:net";
import path from "node:path";

type At = { host: string; port: number };
const file = process.argv[2] ?? "";
const options = JSON.parse(readFileSync(file, "utf8")) as {
  brokerId: number;
  dataFolder: string;
  controller: At;
  kafka: At;
  http: At;
};
const incarnation = `b${process.pid}-${Math.random()}`;

if (existsSync(path.join(path.dirname(options.dataFolder), `broken-${options.brokerId}`))) {
  process.stderr.write("tidemark-broker: the data folder is damaged; restore it\n");
  process.exit(1);
}

createTcpServer((socket) => socket.destroy()).listen(options.kafka.port, options.kafka.host);
createServer((_request, response) => response.end(JSON.stringify({ incarnation }))).listen(
  options.http.port,
  options.http.host,
);

function register(): void {
  const { host, port } = options.controller;
  const call = request({ host, port, path: "/register", method: "POST", agent: false }, (response) =>
    response.resume(),
  );
  call.on("error", () => {});
  call.end(JSON.stringify({ id: options.brokerId, incarnation }));
}
register();
setInterval(register, 20);
process.on("SIGTERM", () => {
  if (!existsSync(path.join(path.dirname(options.dataFolder), "stubborn"))) process.exit(0);
});
