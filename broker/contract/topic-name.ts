const NAME_LENGTH_MAX = 249;

/** null, or one line that says why no topic can have this name. Source: Kafka's rules; folder names follow from it. */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "a topic name is not empty";
  if (name === "." || name === "..") return `a topic cannot be named "${name}"`;
  if (name.length > NAME_LENGTH_MAX) return `a topic name has at most ${NAME_LENGTH_MAX} characters`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return "a topic name consists of letters, digits, dots, underscores and hyphens";
  return null;
}
