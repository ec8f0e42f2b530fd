import { describe, expect, it } from "vitest";
import { ApiProblem, unreachableProblem } from "./problem.ts";
import { sendOnce } from "./send-once.ts";

/** What becomes of the requests one after another; without an entry they are answered. */
function sendingWith(...failures: readonly (Error | undefined)[]) {
  const keys: string[] = [];
  const send = sendOnce((_name: string, _request: { readonly depth: number }, key: string) => {
    const failure = failures[keys.length];
    keys.push(key);
    return failure === undefined ? Promise.resolve("done") : Promise.reject(failure);
  });
  const attempt = (name: string, depth: number) => send(name, { depth }).catch(() => "failed");
  return { keys, attempt };
}

function answeredWith(status: number): ApiProblem {
  return new ApiProblem({ code: `http_${status}`, title: "No", detail: "No.", status });
}

const lost = [
  ["no answer came", unreachableProblem()],
  ["the answer broke off", new TypeError("network error")],
  ["a proxy gave up", answeredWith(504)],
  ["the session was over", answeredWith(401)],
] as const;

describe("sendOnce", () => {
  it.each(lost)("sends the same key again when %s", async (_what, failure) => {
    const { keys, attempt } = sendingWith(failure);

    await attempt("sluice", 1);
    await attempt("sluice", 1);

    expect(keys[1]).toBe(keys[0]);
  });

  it("takes a new key once it was answered", async () => {
    const { keys, attempt } = sendingWith();

    await attempt("sluice", 1);
    await attempt("sluice", 1);

    expect(keys[1]).not.toBe(keys[0]);
  });

  it("takes a new key once it was refused for good", async () => {
    const { keys, attempt } = sendingWith(answeredWith(422));

    await attempt("sluice", 1);
    await attempt("sluice", 1);

    expect(keys[1]).not.toBe(keys[0]);
  });

  it("takes a new key for something else", async () => {
    const { keys, attempt } = sendingWith(unreachableProblem(), unreachableProblem(), unreachableProblem());

    await attempt("sluice", 1);
    await attempt("sluice", 2);
    await attempt("weir", 2);

    expect(new Set(keys).size).toBe(3);
  });

  it("sends what is pressed twice at once under one key", async () => {
    const { keys, attempt } = sendingWith();

    await Promise.all([attempt("sluice", 1), attempt("sluice", 1)]);

    expect(keys[1]).toBe(keys[0]);
  });

  it("keeps the key of what came later when the former is answered", async () => {
    const { keys, attempt } = sendingWith(undefined, unreachableProblem());

    await Promise.all([attempt("sluice", 1), attempt("sluice", 2)]);
    await attempt("sluice", 2);

    expect(keys[2]).toBe(keys[1]);
  });
});
