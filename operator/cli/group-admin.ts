import { TidemarkError } from "#base/errors.ts";
import { AdminClient, EARLIEST, LATEST } from "./admin-client.ts";
import type { ClientOptions } from "./broker-access.ts";
import { byPlace, byTopic, type Place } from "./places.ts";

export interface Committed extends Place {
  readonly offset: bigint;
}

export interface Bounds {
  readonly beginning: bigint;
  readonly end: bigint;
}

/** A member of a group, with what it was given. */
export interface MemberView {
  readonly id: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly partitions: readonly Place[];
}

export interface GroupView {
  readonly state: string;
  readonly protocol: string;
  readonly members: readonly MemberView[];
}

/** What the group commands ask of brokers. */
export class GroupAdmin {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  static with<T>(options: ClientOptions, use: (admin: GroupAdmin) => Promise<T>): Promise<T> {
    return AdminClient.with(options, (client) => use(new GroupAdmin(client)));
  }

  async list(): Promise<{ id: string; state: string; protocolType: string }[]> {
    const groups = await this.#client.ask((admin) => admin.listGroups());
    return [...groups.values()]
      .map(({ id, state, protocolType }) => ({ id, state, protocolType }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Null when there is no such group. */
  async describe(id: string): Promise<GroupView | null> {
    const groups = await this.#client.ask((admin) => admin.describeGroups({ groups: [id] }));
    const group = groups.get(id);
    if (group === undefined || group.state === "Dead") return null;
    const members = [...group.members.values()].map((member) => ({
      id: member.id,
      instanceId: member.groupInstanceId ?? null,
      clientId: member.clientId,
      host: member.clientHost.replace(/^\//, ""),
      partitions: [...(member.assignments?.values() ?? [])].flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    }));
    return { state: group.state, protocol: group.protocol, members };
  }

  async committed(id: string): Promise<Committed[]> {
    const [group] = await this.#client.ask((admin) => admin.listConsumerGroupOffsets({ groups: [id] }));
    const offsets = (group?.topics ?? []).flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, committedOffset: offset }) => ({ topic, partition, offset })),
    );
    return offsets.filter(({ offset }) => offset >= 0n).sort(byPlace);
  }

  partitionCount(topic: string): Promise<number> {
    return this.#client.partitionCount(topic);
  }

  /** Where each partition begins and ends now; of those that exist no more nothing. */
  async bounds(places: readonly Place[]): Promise<Map<string, Bounds>> {
    const { topics } = await this.#client.cluster([...byTopic(places).keys()]);
    const known = places.filter(({ topic, partition }) => topics.get(topic)?.[partition] !== undefined);
    const beginnings = await this.#client.offsetsAt(known, EARLIEST);
    const ends = await this.#client.offsetsAt(known, LATEST);
    const found = [...ends].map(([key, end]) => [key, { beginning: beginnings.get(key) ?? 0n, end }] as const);
    return new Map(found);
  }

  /** Offset of the first record of that time or later, by partition; where there is none, the end. */
  async at(places: readonly Place[], timestampMs: bigint): Promise<Map<string, bigint>> {
    const [found, ends] = [
      await this.#client.offsetsAt(places, timestampMs),
      await this.#client.offsetsAt(places, LATEST),
    ];
    return new Map([...ends].map(([key, end]) => [key, (found.get(key) ?? -1n) < 0n ? end : found.get(key)!]));
  }

  async commit(id: string, offsets: readonly Committed[]): Promise<void> {
    const topics = [...byTopic(offsets)].map(([name, places]) => ({
      name,
      partitionOffsets: places.map(({ partition, offset }) => ({ partition, offset })),
    }));
    await this.#client.ask((admin) => admin.alterConsumerGroupOffsets({ groupId: id, topics }), explained(id));
  }

  async delete(id: string): Promise<void> {
    await this.#client.ask((admin) => admin.deleteGroups({ groups: [id] }), explained(id));
  }
}

const explained =
  (group: string) =>
  (error: string): TidemarkError | null => {
    if (error === "GROUP_ID_NOT_FOUND") return noSuchGroup(group);
    return error === "NON_EMPTY_GROUP" || error === "UNKNOWN_MEMBER_ID" ? hasMembers(group) : null;
  };

export const hasMembers = (group: string): TidemarkError =>
  new TidemarkError("REFUSED", `group ${group} has members; stop its consumers first`);

export const noSuchGroup = (group: string): TidemarkError =>
  new TidemarkError("BAD_INPUT", `there is no group ${group}; \`tidemark groups list\` lists them`);
