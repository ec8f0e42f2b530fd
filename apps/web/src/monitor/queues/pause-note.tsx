import type { QueuePause } from "@millrace/contracts";
import { Moment } from "../../formatting/moment.tsx";

/** Who paused it, why, since when and until when. */
export function PauseNote({ pause }: { pause: QueuePause }) {
  return (
    <>
      {pause.reason === null ? "" : `“${pause.reason}” · `}
      {pause.by === null ? "paused " : `paused by ${pause.by} `}
      <Moment value={pause.at} />
      {pause.until === null ? (
        ", until somebody resumes it"
      ) : (
        <>
          , goes on <Moment value={pause.until} />
        </>
      )}
    </>
  );
}
