import { parseSettings } from "@millrace/kernel";
import { expect, it } from "vitest";
import { outboundSettings } from "./settings.ts";

it("reads hosts with commas between", () => {
  const environment = { FETCH_ALLOWED_HOSTS: "wiki.example, [::1]:8080" };

  expect(parseSettings(outboundSettings.schema, environment).FETCH_ALLOWED_HOSTS).toEqual([
    "wiki.example",
    "[::1]:8080",
  ]);
});

it("refuses what is no host", () => {
  const parse = () =>
    parseSettings(outboundSettings.schema, { FETCH_ALLOWED_HOSTS: "wiki.example,http://x/" });

  expect(parse).toThrow(expect.objectContaining({ code: "invalid_settings" }));
});
