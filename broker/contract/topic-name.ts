const LENGTH_MAX = 249;

/**
 * null, or what is wrong with a topic's name, in one sentence. Names of folders follow from topics' names.
 * Source: Kafka's Topic.validate.
 */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "Topic name is invalid: the empty string is not allowed";
  if (name === "." || name === "..") return "Topic name is invalid: '.' and '..' are not allowed";
  if (name.length > LENGTH_MAX) {
    return `Topic name is invalid: it has ${name.length} characters, at most ${LENGTH_MAX} are allowed`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' has characters other than ASCII letters and digits, '.', '_' and '-'`;
  }
  return null;
}
