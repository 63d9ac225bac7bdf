const DAY_MS = 86_400_000;
const two = (value: number): string => String(value).padStart(2, "0");

/**
 * RFC 3339 in UTC, whole seconds, as Kubernetes writes times. Days to year, month and day by counting years from March
 * on, so that the leap day comes last.
 */
export function timestamp(epochMs: number): string {
  const seconds = Math.floor((epochMs % DAY_MS) / 1000);
  const days = Math.floor(epochMs / DAY_MS) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${year}-${two(month)}-${two(day)}T${time}Z`;
}

/** Milliseconds since 1970 of such a time; null when it is none. Years counted from March on, as above. */
export function momentOf(text: string | undefined): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z$/.exec(text ?? "");
  if (parts === null) return null;
  const [year = 0, month = 1, day = 1, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map(Number);
  const fromMarch = month > 2 ? month - 3 : month + 9;
  const marchYear = month > 2 ? year : year - 1;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const days = 365 * marchYear + leapDays + Math.floor((153 * fromMarch + 2) / 5) + day - 1 - 719_468;
  return days * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
