import type { AcceptedDocument } from "@millrace/contracts";
import { expect, it } from "vitest";
import { askBeforeLeaving } from "./ask-before-leaving.ts";
import { UploadQueue } from "./upload-queue.ts";

it("asks while files are on their way, and not before or after", async () => {
  const sent = Promise.withResolvers<AcceptedDocument>();
  const accepted = Promise.withResolvers<undefined>();
  const uploads = new UploadQueue({
    send: () => sent.promise,
    refusalOf: () => undefined,
    onAccepted: () => accepted.resolve(undefined),
    newKey: () => "key",
  });
  const page = new EventTarget();
  const mayLeave = () => page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  askBeforeLeaving(uploads, page);
  expect(mayLeave()).toBe(true);

  uploads.add([new File(["text"], "a.txt")]);
  expect(mayLeave()).toBe(false);

  sent.resolve({ document: { id: "d" } } as unknown as AcceptedDocument);
  await accepted.promise;
  expect(mayLeave()).toBe(true);
});
