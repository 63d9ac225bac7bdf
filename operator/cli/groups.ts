import { TidemarkError } from "#base/errors.ts";
import type { ClientOptions } from "./broker-access.ts";
import { endWithReader } from "./exit.ts";
import { type Committed, GroupAdmin, type GroupView, hasMembers, noSuchGroup } from "./group-admin.ts";
import { byPlace, keyOf, type Place } from "./places.ts";
import { resetTarget } from "./reset-target.ts";
import { type Output, print } from "./table.ts";

interface GroupOptions extends ClientOptions {
  readonly output: Output;
}

export interface ResetOptions extends GroupOptions {
  readonly topic: string;
  readonly partition?: number;
  readonly to: string;
  readonly dryRun?: boolean;
}

/** `tidemark groups list`: every group, with its state. */
export async function listGroups(options: GroupOptions): Promise<void> {
  endWithReader();
  const groups = await GroupAdmin.with(options, (admin) => admin.list());
  const rows = groups.map(({ id, state, protocolType }) => [id, state, protocolType || "-"]);
  print(options.output, { json: groups, rows: [["GROUP", "STATE", "TYPE"], ...rows] });
}

/** One partition that a group reads or has committed for. */
interface PartitionView extends Place {
  readonly committed: string | null;
  readonly end: string | null;
  readonly lag: string | null;
  readonly member: string | null;
}

/** `tidemark groups show`: who is in a group, what it has committed, how far it is behind. */
export async function showGroup(id: string, options: GroupOptions): Promise<void> {
  endWithReader();
  await GroupAdmin.with(options, async (admin) => {
    const [group, committed] = [await admin.describe(id), await admin.committed(id)];
    if (group === null && committed.length === 0) throw noSuchGroup(id);
    const places = placesOf(group, committed);
    const bounds = await admin.bounds(places);
    const partitions = places.map((place): PartitionView => {
      const offset = committed.find((one) => keyOf(one) === keyOf(place))?.offset;
      const end = bounds.get(keyOf(place))?.end;
      const lag = offset === undefined || end === undefined ? null : end > offset ? end - offset : 0n;
      const owner = group?.members.find(({ partitions: owned }) => owned.some((one) => keyOf(one) === keyOf(place)));
      const text = (value: bigint | null | undefined): string | null => value?.toString() ?? null;
      return { ...place, committed: text(offset), end: text(end), lag: text(lag), member: owner?.id ?? null };
    });
    const json = { group: id, state: group?.state ?? "Empty", members: group?.members ?? [], partitions };
    const rows = partitions.map(({ topic, partition, committed: at, end, lag, member }) =>
      [topic, String(partition), at, end, lag, member].map((cell) => cell ?? "-"),
    );
    if (options.output === "table") {
      const count = group?.members.length ?? 0;
      process.stdout.write(`group ${id}: ${json.state}, ${count} ${count === 1 ? "member" : "members"}\n`);
    }
    print(options.output, {
      json,
      rows: [["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"], ...rows],
    });
  });
}

function placesOf(group: GroupView | null, committed: readonly Committed[]): Place[] {
  const owned = group?.members.flatMap(({ partitions }) => partitions) ?? [];
  const all = [...committed, ...owned].map(({ topic, partition }) => ({ topic, partition }));
  const places = new Map(all.map((place) => [keyOf(place), place]));
  return [...places.values()].sort(byPlace);
}

/** `tidemark groups reset`: commits other offsets for a group that has no members now. */
export async function resetGroup(id: string, options: ResetOptions): Promise<void> {
  endWithReader();
  const target = resetTarget(options.to);
  await GroupAdmin.with(options, async (admin) => {
    const group = await admin.describe(id);
    if (group !== null && group.members.length > 0) throw hasMembers(id);
    const count = await admin.partitionCount(options.topic);
    if (options.partition !== undefined && options.partition >= count) {
      const says = `topic ${options.topic} has partitions 0 to ${count - 1}, not ${options.partition}`;
      throw new TidemarkError("BAD_INPUT", says);
    }
    const all = Array.from({ length: count }, (_, partition) => ({ topic: options.topic, partition }));
    const places = all.filter(({ partition }) => options.partition === undefined || partition === options.partition);
    const before = new Map((await admin.committed(id)).map((one) => [keyOf(one), one.offset]));
    const bounds = await admin.bounds(places);
    const atTime = target.kind === "time" ? await admin.at(places, target.timestampMs) : new Map<string, bigint>();
    const after = places.map((place) => {
      const { beginning, end } = bounds.get(keyOf(place)) ?? { beginning: 0n, end: 0n };
      const committed = before.get(keyOf(place)) ?? null;
      return {
        ...place,
        offset: target.offset({ beginning, end, committed, atTime: atTime.get(keyOf(place)) ?? end }),
      };
    });
    if (options.dryRun !== true) await admin.commit(id, after);
    const changes = after.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      before: before.get(keyOf({ topic, partition }))?.toString() ?? null,
      after: offset.toString(),
    }));
    const rows = changes.map((one) => [one.topic, String(one.partition), one.before ?? "-", one.after]);
    print(options.output, { json: changes, rows: [["TOPIC", "PARTITION", "BEFORE", "AFTER"], ...rows] });
  });
}

/** `tidemark groups delete`: forgets a group that has no members, with all that it committed. */
export async function deleteGroup(id: string, options: GroupOptions): Promise<void> {
  await GroupAdmin.with(options, (admin) => admin.delete(id));
  print(options.output, { json: { deleted: id }, rows: [[`group ${id} is deleted`]] });
}
