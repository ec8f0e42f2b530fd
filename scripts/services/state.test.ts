import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { otherStarter } from "./state.ts";

const urls = { postgresUrl: "postgres://a", pgbouncerUrl: "postgres://b" };
const checkout = "/a/checkout/that/stops";

it("leaves services to another checkout that has started them and is still there", () => {
  expect(otherStarter({ ...urls, startedBy: tmpdir() }, checkout)).toBe(tmpdir());
});

it.each([
  ["the checkout's own", { ...urls, startedBy: checkout }],
  ["those of a checkout that is gone", { ...urls, startedBy: "/there/is/none" }],
  ["those of nobody known", urls],
  ["what a killed start has left, which wrote nothing", undefined],
])("has %s stopped", (_, state) => {
  expect(otherStarter(state, checkout)).toBeUndefined();
});
