import { Dropzone } from "@mantine/dropzone";
import IconFileUpload from "@tabler/icons-react/dist/esm/icons/IconFileUpload.mjs";
import { useEffect, useEffectEvent } from "react";
import { showDone } from "../feedback/toasts.ts";
import { countOf } from "../formatting/numbers.ts";
import classes from "./drop-overlay.module.css";
import { takePaste } from "./take-paste.ts";
import { useUploadQueue } from "./uploads-context.ts";

/** Files may be dropped, and pasted, anywhere on any page. */
export function DropOverlay({ onDropped }: { onDropped: () => void }) {
  const queue = useUploadQueue();
  const onPasted = useEffectEvent((event: ClipboardEvent) =>
    takePaste(event, {
      add: (files) => queue.add(files),
      onTaken: onDropped,
      onTakenAside: (files) => showDone(`Adding ${countOf(files.length, "pasted file")}`),
    }),
  );
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => onPasted(event);
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);
  return (
    <Dropzone.FullScreen
      active
      role="region"
      aria-label="Drop files"
      tabIndex={-1}
      inputProps={{ "aria-label": "Files", tabIndex: -1 }}
      classNames={{ fullScreen: classes.screen, root: classes.root, inner: classes.inner }}
      onDrop={(files) => {
        // Before the files are looked at: the page that opens says what is wrong with one.
        onDropped();
        queue.add(files);
      }}
    >
      <IconFileUpload size={44} stroke={1.4} aria-hidden="true" />
      <p className={classes.title}>Drop to add</p>
      <p className={classes.text}>Each file becomes a document and is processed right away.</p>
    </Dropzone.FullScreen>
  );
}
