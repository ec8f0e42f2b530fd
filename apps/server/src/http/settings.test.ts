import { errorCode, parseSettings, settingsExample } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { serverSettings, serverSettingsSchema } from "./settings.ts";

function codeOf(environment: Readonly<Record<string, string>>): string {
  try {
    parseSettings(serverSettingsSchema, environment);
    return "none";
  } catch (error) {
    return errorCode(error);
  }
}

describe("the server's settings", () => {
  it("are safe by default", () => {
    expect(parseSettings(serverSettingsSchema, {})).toEqual({
      HOST: "127.0.0.1",
      PORT: 8000,
      MAX_UPLOAD_BYTES: 104_857_600,
    });
  });

  it.each([
    { PORT: "65536" },
    { PORT: "eight" },
    { MILLRACE_TOKEN: "too-short" },
    { MILLRACE_TOKEN: "spaces are not allowed" },
    { PUBLIC_URL: "millrace.example.org" },
    { PUBLIC_URL: "ftp://millrace.example.org" },
    { MAX_UPLOAD_BYTES: "0" },
    { MAX_UPLOAD_BYTES: "100MB" },
  ])("refuse %j", (environment) => {
    expect(codeOf(environment)).toBe("invalid_settings");
  });

  it("describe themselves", () => {
    const example = settingsExample([serverSettings]);

    expect(example).toContain("# HOST=127.0.0.1\n");
    expect(example).toContain("# MILLRACE_TOKEN=\n");
    expect(example).not.toMatch(/^# $/m);
  });
});
