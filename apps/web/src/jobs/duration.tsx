import { formatAbsolute, formatDuration } from "../formatting/time.ts";
import { Elapsed } from "../parts/elapsed.tsx";
import type { Span } from "./job-times.ts";

/** How long something lasted, or lasts: then it counts on. A dash for what is not known. */
export function Duration({ span }: { span: Span | undefined }) {
  if (span === undefined) return <span>—</span>;
  const { from, to } = span;
  if (to === null) return <Elapsed since={from} />;
  const lastedMs = Math.max(0, Date.parse(to) - Date.parse(from));
  return (
    <span title={`${formatAbsolute(from)} to ${formatAbsolute(to)}`}>
      {/* Many jobs take less than the tenth of a second that is told elsewhere. */}
      {lastedMs < 1000 ? `${Math.round(lastedMs)} ms` : formatDuration(lastedMs)}
    </span>
  );
}
