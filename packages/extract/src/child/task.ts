import type { FileType } from "../extracted-text.ts";
import type { MethodName, PageTask } from "../methods/method.ts";

/** What the parent tells a child to do. Both are started from the same files, so it is trusted. */
export type ChildTask = {
  readonly id: number;
  readonly path: string;
  readonly fileType: FileType;
  readonly method: MethodName;
  /** Only for recognition. */
  readonly page?: PageTask;
  readonly password?: string | undefined;
  /** Where a text too long for a message goes; inside the child's own folder. */
  readonly textPath: string;
};

export function isChildTask(message: unknown): message is ChildTask {
  return (
    typeof message === "object" &&
    message !== null &&
    "method" in message &&
    typeof message.method === "string"
  );
}
