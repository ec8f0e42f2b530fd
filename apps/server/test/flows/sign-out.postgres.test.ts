import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import { signIn, signOut, statusFor, token } from "./signing-out.ts";

/** Two processes on one database. */
let one: Flow;
let other: RunningMillrace;

beforeAll(async () => {
  one = await Flow.start("postgres", { MILLRACE_TOKEN: token });
  const words = { dataDirectory: one.folder, environment: one.environment, commandArguments: ["api"] };
  other = await startMillrace(words);
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

it("a session that was signed out at one process is soon refused by all", async () => {
  const left = await signIn(one.url);
  const kept = await signIn(one.url);
  expect(await statusFor(other.url, left)).toBe(200);

  await signOut(one.url, left);

  expect(await statusFor(one.url, left)).toBe(401);
  await expect.poll(() => statusFor(other.url, left)).toBe(401);
  expect(await statusFor(other.url, kept)).toBe(200);
});

it("a worker, which does not hear who signed out, takes no session for its health", async () => {
  const browser = await signIn(one.url);
  const worker = await startMillrace({
    dataDirectory: one.folder,
    environment: one.environment,
    commandArguments: ["worker", "--health-port", "0"],
  });

  const asBrowser = await fetch(`${worker.url}/metrics`, { headers: browser });
  const withToken = await fetch(`${worker.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  await worker.stop();

  expect(asBrowser.status).toBe(401);
  expect(withToken.status).toBe(200);
});
