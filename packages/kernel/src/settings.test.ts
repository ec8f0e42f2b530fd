import { describe, expect, it } from "vitest";
import { z } from "zod";
import { integerSetting, parseSettings, settingsExample } from "./settings.ts";

const schema = z.object({
  PORT: integerSetting({ min: 0, max: 65_535, byDefault: 8000 }).describe("Where to listen."),
  MODE: z.enum(["a", "b"]).default("a").describe("Which way."),
  URL: z.string().optional().describe("Where to."),
});

describe("parseSettings", () => {
  it("takes defaults for what is not set or empty", () => {
    expect(parseSettings(schema, { PORT: "", URL: "  " })).toEqual({ PORT: 8000, MODE: "a" });
  });

  it("reports every problem at once, those between settings too", () => {
    const check = () => [{ pointer: "URL", code: "missing", message: "is needed" }];

    const parse = () => parseSettings(schema, { PORT: "x", MODE: "c" }, check);

    expect(parse).toThrowError(
      expect.objectContaining({
        code: "invalid_settings",
        items: [
          expect.objectContaining({ pointer: "PORT" }),
          expect.objectContaining({ pointer: "MODE" }),
          expect.objectContaining({ pointer: "URL" }),
        ],
      }),
    );
  });

  it.each([
    ["x", "must be a number"],
    ["1.5", "must be a whole number"],
  ])("says of %j in place of a number what it must be", (PORT, message) => {
    expect(() => parseSettings(schema, { PORT })).toThrowError(
      expect.objectContaining({ items: [expect.objectContaining({ pointer: "PORT", message })] }),
    );
  });
});

describe("settingsExample", () => {
  it("names every setting with its description and default", () => {
    const text = settingsExample([{ title: "Server", schema }]);

    expect(text).toContain("## Server");
    expect(text).toContain("# Where to listen.\n# PORT=8000");
    expect(text).toContain("# Where to.\n# URL=");
  });
});
