import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { drive, isToEnd, refusal, say, streamed, type Task } from "../node-driver.ts";

/** One run of kcat; its standard error is passed on, and what it prints comes by line. */
function kcat({ bootstrap }: Task, ...args: readonly string[]): ChildProcess {
  return spawn("kcat", ["-b", bootstrap, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

/** Resolves at its good end. */
function end(child: ChildProcess): Promise<void> {
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-1000)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`kcat ended with ${code}: ${complaint}`)),
    );
  });
}

/** Its producer takes each line of its input as a value. */
function produce(task: Task, codec: string, lines: readonly string[], more: readonly string[] = []): Promise<void> {
  const options = ["-X", "acks=all", "-X", `enable.idempotence=${task.idempotent}`];
  const child = kcat(task, "-P", "-t", task.topic, "-p", "0", "-z", codec, ...options, ...more);
  child.stdin?.end(`${lines.join("\n")}\n`);
  return end(child);
}

const write = (task: Task): Promise<void> =>
  produce(
    task,
    task.codec,
    Array.from({ length: task.count }, (_, n) => `${task.prefix}-${n}`),
  );

async function read(task: Task): Promise<void> {
  const from = task.sinceMs === undefined ? "beginning" : `s@${task.sinceMs}`;
  const child = kcat(task, "-C", "-t", task.topic, "-p", "0", "-o", from, "-c", `${task.count}`, "-q", "-f", "%s\n");
  createInterface(child.stdout!).on("line", (value) => say({ value }));
  await end(child);
}

/** `% Group NAME rebalanced …: assigned: TOPIC [0], TOPIC [1]`, or `…: incremental assignment …: TOPIC [0]`. */
const REBALANCED = / rebalanced.*?(assign|revoke).*: (.*)$/;

async function member(task: Task): Promise<void> {
  const options = ["-X", `auto.offset.reset=${task.reset === "none" ? "error" : "earliest"}`];
  if (task.instance !== undefined) options.push("-X", `group.instance.id=${task.instance}`);
  if (task.assignor !== undefined) options.push("-X", `partition.assignment.strategy=${task.assignor}`);
  const owned = new Set<number>();
  const child = kcat(task, ...options, "-u", "-f", "%s\n", "-G", task.group, task.topic);
  createInterface(child.stdout!).on("line", (value) => say({ value }));
  createInterface(child.stderr!).on("line", (line) => {
    const [, what, partitions = ""] = REBALANCED.exec(line) ?? [];
    if (what === undefined) return;
    for (const [, partition] of partitions.matchAll(/\[(\d+)\]/g)) {
      if (what === "assign") owned.add(Number(partition));
      else owned.delete(Number(partition));
    }
    say({ owns: [...owned] });
  });
  const whenEnded = end(child);
  // It leaves, and commits what it has printed.
  void isToEnd().then(() => child.kill("SIGTERM"));
  await whenEnded;
}

/** A run for each record: it says nothing of the acknowledgements of one run. */
const stream = (task: Task): Promise<void> => streamed((value) => produce(task, "none", [value]));

async function has(): Promise<void> {
  throw new Error("kcat has no commands that administer");
}

/** A run of its producer is one transaction. */
const transact = (task: Task): Promise<void> =>
  refusal(() =>
    produce({ ...task, idempotent: true }, "none", ["in a transaction"], ["-X", `transactional.id=${task.topic}`]),
  );

await drive({ write, read, create: has, put: has, member, stream, make: has, drop: has, transact });
