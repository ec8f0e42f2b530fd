import { formatAbsolute, formatRelative } from "./time.ts";
import { useNow } from "./use-now.ts";

/** A moment as distance from now, with date and time on hover and for machines. */
export function Moment({ value, withAbsolute = false }: { value: string; withAbsolute?: boolean }) {
  const now = useNow();
  const absolute = formatAbsolute(value);
  return (
    <time dateTime={value} title={absolute}>
      {formatRelative(value, now)}
      {withAbsolute ? ` (${absolute})` : null}
    </time>
  );
}
