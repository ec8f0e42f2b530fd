import { problemText } from "../api/problem.ts";
import { countOf } from "../formatting/numbers.ts";
import type { UploadQueue } from "./upload-queue.ts";

/**
 * Says which files were refused or failed while their list is out of sight. Of hundreds it is one notice, which counts
 * them until it is closed.
 */
export function tellUploadProblems({
  uploads,
  isListShown,
  show,
}: {
  uploads: UploadQueue;
  isListShown: () => boolean;
  show: (notice: { id: string; title: string; message: string; onClose: () => void }) => void;
}): () => void {
  const names = new Map<string, string>();
  return uploads.onProblem(({ id, file }, thrown) => {
    if (isListShown()) return;
    names.set(id, file.name);
    const [first = file.name] = names.values();
    const others = names.size - 1;
    show({
      id: "upload-problems",
      title:
        others === 0
          ? `${first} was not added`
          : `${first} and ${countOf(others, "other file")} were not added`,
      message: others === 0 ? problemText(thrown) : "Home lists them, with the reason of each.",
      onClose: () => names.clear(),
    });
  });
}
