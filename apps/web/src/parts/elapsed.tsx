import { formatAbsolute, formatElapsed } from "../formatting/time.ts";
import { useSeconds } from "../formatting/use-now.ts";

/** How long something goes on, counting in whole seconds. */
export function Elapsed({ since }: { since: string }) {
  const now = useSeconds();
  return (
    <span title={`Since ${formatAbsolute(since)}`}>
      {formatElapsed(Math.max(0, now - Date.parse(since)))}
    </span>
  );
}
