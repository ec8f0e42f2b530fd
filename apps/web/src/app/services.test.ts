import { afterEach, describe, expect, it, vi } from "vitest";
import { queryKeys } from "../api/query-keys.ts";
import { createServices } from "./services.ts";

/** Answers every upload with this status. */
function answering(status: number): unknown {
  return class extends EventTarget {
    readonly upload = new EventTarget();
    readonly status = status;
    readonly responseText = "";
    readonly open = () => undefined;
    readonly setRequestHeader = () => undefined;
    readonly getResponseHeader = () => null;
    readonly send = () => this.dispatchEvent(new Event("load"));
  };
}

async function upload(status: number): Promise<unknown> {
  vi.stubGlobal("XMLHttpRequest", answering(status));
  const { queries, uploads } = createServices();
  queries.setQueryData(queryKeys.session, { required: true, signed_in: true });
  const failed = Promise.withResolvers<undefined>();
  uploads.onProblem(() => failed.resolve(undefined));

  uploads.add([new File(["text"], "a.txt")]);
  await failed.promise;

  const session = queries.getQueryData(queryKeys.session);
  queries.clear();
  return session;
}

describe("an upload that fails", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("leads to the sign-in page when the session has ended", async () => {
    expect(await upload(401)).toEqual({ required: true, signed_in: false });
  });

  it("leaves the session alone for any other reason", async () => {
    expect(await upload(503)).toEqual({ required: true, signed_in: true });
  });
});
