import { ActionIcon, Button, Progress } from "@mantine/core";
import IconAlertCircle from "@tabler/icons-react/dist/esm/icons/IconAlertCircle.mjs";
import IconUpload from "@tabler/icons-react/dist/esm/icons/IconUpload.mjs";
import IconX from "@tabler/icons-react/dist/esm/icons/IconX.mjs";
import { countOf, formatBytes, formatCount } from "../formatting/numbers.ts";
import classes from "./upload-list.module.css";
import type { Upload } from "./upload-queue.ts";
import { useUploadProgress, useUploadQueue, useUploads } from "./uploads-context.ts";

/** Of those that wait for their turn; of hundreds the rest is a number. */
const shownWaiting = 5;

/** Files on their way and files that were refused, each with what can be done about it, and one progress over all. */
export function UploadList() {
  const uploads = useUploads();
  if (uploads.length === 0) return null;
  const waiting = uploads.filter(({ state }) => state === "waiting");
  const hidden = new Set(waiting.slice(shownWaiting));
  return (
    <div className={classes.list}>
      <OverallProgress />
      <ul aria-label="Uploads">
        {uploads.map((upload) => (hidden.has(upload) ? null : <UploadRow key={upload.id} upload={upload} />))}
      </ul>
      {hidden.size === 0 ? null : (
        <p className={classes.rest}>and {countOf(hidden.size, "more file")} waiting</p>
      )}
    </div>
  );
}

/** How far all files are that were added together; of one its own row says it. */
function OverallProgress() {
  const queue = useUploadQueue();
  const { files, done, share } = useUploadProgress();
  if (files < 2 || done === files) return null;
  const percent = Math.round(share * 100);
  return (
    <div className={classes.overall} role="group" aria-label="All uploads">
      <div className={classes.body}>
        <p className={classes.name}>
          {formatCount(done)} of {countOf(files, "file")} added
        </p>
        <div className={classes.progress}>
          <Progress.Root size={7}>
            <Progress.Section value={percent} aria-label="Upload of all files" />
          </Progress.Root>
          <span className={classes.percent}>{percent} %</span>
        </div>
      </div>
      <Button size="compact-sm" variant="default" onClick={() => queue.removeAll()}>
        Cancel all
      </Button>
    </div>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const queue = useUploadQueue();
  const hasFailed = upload.state === "refused" || upload.state === "failed";
  const percent = Math.round(upload.share * 100);
  return (
    <li className={classes.row} data-failed={hasFailed || undefined}>
      <span className={classes.icon} aria-hidden="true">
        {hasFailed ? <IconAlertCircle size={18} /> : <IconUpload size={18} />}
      </span>
      <div className={classes.body}>
        <p className={classes.name}>
          {upload.file.name} <span className={classes.size}>{formatBytes(upload.file.size)}</span>
        </p>
        {hasFailed ? (
          <p className={classes.reason} role="alert">
            {upload.reason}
          </p>
        ) : (
          <div className={classes.progress}>
            <Progress.Root size={5}>
              <Progress.Section value={percent} aria-label={`Upload of ${upload.file.name}`} />
            </Progress.Root>
            <span className={classes.percent}>{stateText(upload, percent)}</span>
          </div>
        )}
      </div>
      {upload.state === "failed" ? (
        <Button size="compact-sm" variant="default" onClick={() => queue.retry(upload.id)}>
          Try again
        </Button>
      ) : null}
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={hasFailed ? `Dismiss ${upload.file.name}` : `Cancel the upload of ${upload.file.name}`}
        onClick={() => queue.remove(upload.id)}
      >
        <IconX size={16} />
      </ActionIcon>
    </li>
  );
}

function stateText(upload: Upload, percent: number): string {
  if (upload.state === "waiting") return "Waiting";
  return percent >= 100 ? "Storing…" : `${percent} %`;
}
