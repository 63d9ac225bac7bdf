import type { countsLogEnd as original } from "../../../broker/replication/count-log-end.ts";

export const countsLogEnd: typeof original = (statement, context) => statement.logEnd <= context.logEnd;
