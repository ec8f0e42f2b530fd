import { Button } from "@mantine/core";
import IconFileUpload from "@tabler/icons-react/dist/esm/icons/IconFileUpload.mjs";
import { useRef } from "react";
import { useSystem } from "../api/use-system.ts";
import { formatLimit } from "../formatting/numbers.ts";
import { useUploadQueue } from "../uploads/uploads-context.ts";
import classes from "./add-files-card.module.css";
import { SampleButtons } from "./sample-buttons.tsx";

/** The visible end of the drop target, with a button for those who don't drag. */
export function AddFilesCard() {
  const queue = useUploadQueue();
  const system = useSystem();
  const input = useRef<HTMLInputElement>(null);
  return (
    <section className={classes.card} aria-label="Add files">
      <div className={classes.zone}>
        <span className={classes.icon} aria-hidden="true">
          <IconFileUpload size={26} stroke={1.6} />
        </span>
        <p className={classes.title}>
          <span className={classes.forMouse}>Drop files anywhere</span>
          <span className={classes.forTouch}>Add files</span>
        </p>
        <p className={classes.limits}>
          PDF, Word, Excel, PowerPoint, OpenDocument, HTML, Markdown, CSV, mail, text, pictures
          {system === undefined ? null : ` · up to ${formatLimit(system.max_upload_bytes)} each`}
        </p>
        <Button onClick={() => input.current?.click()}>Choose files</Button>
        {/* Without `accept`: on phones it would lock files whose names say nothing of their content. */}
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            queue.add([...(event.currentTarget.files ?? [])]);
            // The same file can be chosen again after it was refused.
            event.currentTarget.value = "";
          }}
        />
      </div>
      <SampleButtons />
    </section>
  );
}
