/** A partition of a topic, by name. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export const keyOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

export const byPlace = (a: Place, b: Place): number =>
  a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;

export const byTopic = <P extends Place>(places: readonly P[]): Map<string, P[]> =>
  Map.groupBy(places, ({ topic }) => topic);
