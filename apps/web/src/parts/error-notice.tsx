import type { JobDetail } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import { Notice } from "../feedback/notice.tsx";
import classes from "./error-notice.module.css";

/** What a job or workflow failed with: the code for programs, the message for people. */
export function ErrorNotice({
  error,
  title = "It failed",
  tone = "bad",
}: {
  error: NonNullable<JobDetail["error"]>;
  /** Default "It failed". */
  title?: string;
  /** Default "bad". */
  tone?: "bad" | "warn";
}) {
  return (
    <Notice tone={tone} icon={<IconAlertTriangle size={18} />} title={title}>
      <code className={classes.code}>{error.code}</code>
      <p className={classes.message}>{error.message}</p>
    </Notice>
  );
}
