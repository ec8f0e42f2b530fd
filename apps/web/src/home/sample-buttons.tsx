import { Button } from "@mantine/core";
import { useState } from "react";
import { showProblem } from "../feedback/toasts.ts";
import { useUploadQueue } from "../uploads/uploads-context.ts";
import classes from "./sample-buttons.module.css";
import { samples } from "./samples.ts";
import type { Sample } from "./samples.ts";

/** Something to try for those who have no document at hand. */
export function SampleButtons() {
  const queue = useUploadQueue();
  const [loading, setLoading] = useState<string>();
  const add = async (sample: Sample) => {
    setLoading(sample.fileName);
    try {
      const text = await sample.load();
      queue.add([new File([text], sample.fileName, { type: sample.mediaType })]);
    } catch (error) {
      showProblem("The sample could not be loaded", error);
    } finally {
      setLoading(undefined);
    }
  };
  return (
    <div className={classes.row}>
      <span className={classes.label} id="samples-label">
        Or try a sample
      </span>
      <div className={classes.buttons} role="group" aria-labelledby="samples-label">
        {samples.map((sample) => (
          <Button
            key={sample.fileName}
            size="compact-sm"
            variant="default"
            loading={loading === sample.fileName}
            onClick={() => void add(sample)}
          >
            {sample.label}
          </Button>
        ))}
      </div>
    </div>
  );
}
