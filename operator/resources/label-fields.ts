import Type from "typebox";
import { matching, type Rule, rules } from "./cel.ts";
import { closed } from "./fields.ts";

/** A DNS prefix of at most 253 characters, a slash, and a name of at most 63. */
const KEY_LENGTH_MAX = 317;
const KEY_PATTERN =
  "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABELS_MAX = 32;
const ANNOTATION_LENGTH_MAX = 16_384;

export const labelKey = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: KEY_LENGTH_MAX,
    ...matching(KEY_PATTERN, "be the name of a label, such as topology.kubernetes.io/zone"),
  });

const VALUE_PATTERN = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
const labelValue = Type.String({
  maxLength: 63,
  ...matching(
    VALUE_PATTERN,
    "be the value of a label: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
  ),
});

type Names = Readonly<Record<string, string>>;

const haveValidKeys: Rule = {
  rule: `self.all(key, key.size() <= ${KEY_LENGTH_MAX} && key.matches(r'${KEY_PATTERN}'))`,
  message: "must have keys such as example.com/team: an optional DNS prefix with '/', then letters, digits, '-_.'",
  holds: (names: Names) =>
    Object.keys(names).every((key) => key.length <= KEY_LENGTH_MAX && new RegExp(KEY_PATTERN).test(key)),
};

/** By these the operator, Services and budgets find the pods. */
const OURS_PATTERN = "^(app[.]kubernetes[.]io|tidemark[.]dev)/";
const leaveOursAlone: Rule = {
  rule: `self.all(key, !key.matches(r'${OURS_PATTERN}'))`,
  message: "must not set keys under app.kubernetes.io/ or tidemark.dev/: the operator sets them; choose other keys",
  holds: (names: Names) => Object.keys(names).every((key) => !new RegExp(OURS_PATTERN).test(key)),
};

export const labelsSchema = (description: string) =>
  Type.Record(Type.String(), labelValue, {
    description,
    maxProperties: LABELS_MAX,
    ...rules(haveValidKeys, leaveOursAlone),
  });

export const annotationsSchema = (description: string) =>
  Type.Record(Type.String(), Type.String({ maxLength: ANNOTATION_LENGTH_MAX }), {
    description,
    maxProperties: LABELS_MAX,
    ...rules(haveValidKeys, leaveOursAlone),
  });

/** Deep in lists of lists rules of CEL would cost more than the API server allows: there a pattern must do. */
export const plainLabelKey = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: KEY_LENGTH_MAX, pattern: KEY_PATTERN });
const plainLabelValue = Type.String({ maxLength: 63, pattern: VALUE_PATTERN });

export const labelSelector = (description: string) =>
  closed(
    {
      matchLabels: Type.Optional(Type.Record(Type.String(), plainLabelValue, { maxProperties: LABELS_MAX })),
      matchExpressions: Type.Optional(
        Type.Array(
          closed({
            key: plainLabelKey("Label that is looked at."),
            operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist"], { type: "string" }),
            values: Type.Optional(Type.Array(plainLabelValue, { maxItems: 64 })),
          }),
          { maxItems: 16 },
        ),
      ),
    },
    { description },
  );
