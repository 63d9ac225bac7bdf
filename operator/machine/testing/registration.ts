import { brokerId, type Incarnation, type StorageId } from "#base/ids.ts";
import { CONTRACT_VERSION, type Registration } from "#contract/control.ts";

/** What a broker of that id says of itself at first: in its first life, on a disk of its own, of any cluster. */
export const registrationOf = (id: number, different: Partial<Registration> = {}): Registration => ({
  type: "register",
  contractVersion: CONTRACT_VERSION,
  clusterId: "",
  brokerId: brokerId(id),
  incarnation: `${id}a` as Incarnation,
  storageId: `disk-${id}` as StorageId,
  endpoints: [{ listener: "PLAINTEXT", host: "h", port: 9000 + id }],
  http: { host: "h", port: 8000 + id },
  rack: null,
  bootId: "boot-1",
  device: "sda",
  mountId: "1",
  cleanStopOf: null,
  hasIoErrorMark: false,
  damaged: [],
  metadataVersion: null,
  ...different,
});
