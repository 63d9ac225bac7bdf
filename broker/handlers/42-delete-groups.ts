import { deleteGroups, type DeleteGroupsRequest, type DeleteGroupsResponse } from "../wire/apis/42-delete-groups.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * DeleteGroups: 0–3, at the groups' coordinator.
 *
 * Behaviour: a group without members goes with its offsets; NON_EMPTY_GROUP of one that has some. One result for each
 * group asked for, once its deletion is committed.
 */

type Result = DeleteGroupsResponse["results"][number];

async function remove(
  { groupsNames }: DeleteGroupsRequest,
  call: Call<DeleteGroupsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const results = await Promise.all([...new Set(groupsNames)].map((groupId) => removeOne(broker, groupId)));
  call.answer({ throttleTimeMs: 0, results });
}

function removeOne(broker: BrokerContext, groupId: string): Promise<Result> {
  const found = findGroup(broker, groupId, { mayBeUnnamed: true });
  const { promise, resolve } = Promise.withResolvers<Result>();
  const done = (errorCode: number): void =>
    resolve({ groupId, errorCode, errorMessage: messages.get(errorCode) ?? null });
  if (found.kind === "refused") done(found.errorCode);
  else found.partition.delete(groupId, done);
  return promise;
}

const messages: ReadonlyMap<number, string> = new Map([
  [kafkaErrors.NON_EMPTY_GROUP, "the group has members"],
  [kafkaErrors.GROUP_ID_NOT_FOUND, "there is no such group"],
]);

export const deleteGroupsHandler = handler(deleteGroups, { served: { min: 0, max: 3 } }, remove);
