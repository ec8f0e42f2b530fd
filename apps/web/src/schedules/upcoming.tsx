import { formatAbsolute, formatRelative } from "../formatting/time.ts";
import { useNow } from "../formatting/use-now.ts";

/** Nearer than this, "in 3 sec." would be wrong before it is read. */
const momentMs = 10_000;

/** A moment to come as its distance from now, with date and time on hover. */
export function Upcoming({ moment }: { moment: string }) {
  const now = useNow();
  const isNear = Date.parse(moment) - now < momentMs;
  return (
    <time dateTime={moment} title={formatAbsolute(moment)}>
      {isNear ? "in a moment" : formatRelative(moment, now)}
    </time>
  );
}
