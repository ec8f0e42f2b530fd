import { MillraceError } from "@millrace/kernel";
import { expect, it } from "vitest";
import { serverNotReachable } from "../errors.ts";
import { askPatiently } from "./ask-patiently.ts";

it("asks again while the server is away, and gives its answer", async () => {
  let asked = 0;

  const answer = await askPatiently(() => {
    asked++;
    return asked === 1 ? Promise.reject(serverNotReachable("http://here")) : Promise.resolve("well");
  });

  expect([answer, asked]).toEqual(["well", 2]);
});

it("throws at once what will not pass", async () => {
  const refusal = new MillraceError({ code: "job_not_found", kind: "not_found", message: "No." });
  let asked = 0;

  const asking = askPatiently(() => {
    asked++;
    return Promise.reject(refusal);
  });

  await expect(asking).rejects.toBe(refusal);
  expect(asked).toBe(1);
});

it("stops when it is told to", async () => {
  const stop = new AbortController();
  const asking = askPatiently(() => Promise.reject(serverNotReachable("http://here")), stop.signal);

  stop.abort(new Error("enough"));

  await expect(asking).rejects.toThrow("enough");
});
