/** The cluster's internal token: what its processes show each other. */
export interface Tokens {
  /** What this process shows; "" when there is none yet. */
  readonly current: string;
  /** Whether this is the current one or the one before. Takes the same time for any text. */
  accepts(candidate: string): boolean;
}
