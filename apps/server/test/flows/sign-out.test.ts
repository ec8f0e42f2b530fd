import { afterAll, beforeAll, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import { signIn, signOut, statusFor, token } from "./signing-out.ts";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("embedded", { MILLRACE_TOKEN: token });
});
afterAll(() => flow.stop());

it("a session that was signed out stays so over a restart, and another one stays good", async () => {
  const left = await signIn(flow.url);
  const kept = await signIn(flow.url);
  await signOut(flow.url, left);

  await flow.restart();

  expect(await statusFor(flow.url, left)).toBe(401);
  expect(await statusFor(flow.url, kept)).toBe(200);
});
