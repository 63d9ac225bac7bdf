/** Kafka's codes that the controller answers with. Source: Kafka protocol guide, "Error Codes". */
export const NONE = 0;
export const UNKNOWN_TOPIC_OR_PARTITION = 3;
export const REQUEST_TIMED_OUT = 7;
export const INVALID_TOPIC_EXCEPTION = 17;
export const TOPIC_ALREADY_EXISTS = 36;
export const INVALID_PARTITIONS = 37;
export const INVALID_REPLICATION_FACTOR = 38;
export const INVALID_REPLICA_ASSIGNMENT = 39;
export const INVALID_CONFIG = 40;
export const NOT_CONTROLLER = 41;
export const INVALID_REQUEST = 42;
export const PREFERRED_LEADER_NOT_AVAILABLE = 80;
export const ELIGIBLE_LEADERS_NOT_AVAILABLE = 83;
export const ELECTION_NOT_NEEDED = 84;
export const NO_REASSIGNMENT_IN_PROGRESS = 85;
export const BROKER_ID_NOT_REGISTERED = 102;
export const UNKNOWN_TOPIC_ID = 100;
