import { describe, expect, it } from "vitest";
import { createLogger, silentLogger } from "./log.ts";
import type { LogLevel, Logger } from "./log.ts";

function recording(level: LogLevel): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ level, name: "test", destination }), lines };
}

const secretNames = [
  "authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "apiKey",
  "token",
  "password",
  "secret",
];

describe("createLogger", () => {
  it.each(secretNames)("never writes a field called %s, three levels deep", (name) => {
    const { logger, lines } = recording("debug");

    logger.info({ [name]: "hush1" }, "at the top");
    logger.info({ settings: { [name]: "hush2" } }, "below");
    logger.info({ req: { headers: { [name]: "hush3" } } }, "below that");
    logger.error({ err: Object.assign(new Error("x"), { [name]: "hush4" }) }, "in an error");
    logger.child({ [name]: "hush5" }).warn("in a child");

    expect(lines.length).toBe(5);
    expect(lines.filter((line) => line.includes("hush"))).toEqual([]);
    expect(lines.every((line) => line.includes("[redacted]"))).toBe(true);
  });

  it("leaves the object that is logged as it was", () => {
    const { logger } = recording("info");
    const settings = { token: "hush", kept: 1 };

    logger.info({ settings }, "x");

    expect(settings).toEqual({ token: "hush", kept: 1 });
  });

  it("writes one line of JSON per message, with time, name and fields", () => {
    const { logger, lines } = recording("info");

    logger.info({ jobId: "7" }, "line one\nline two");

    expect(lines[0]?.trimEnd().includes("\n")).toBe(false);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      name: "test",
      jobId: "7",
      msg: "line one\nline two",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it("writes nothing below its level, and nothing at all when silent", () => {
    const { logger, lines } = recording("warn");
    const silent = recording("silent");

    logger.info("no");
    logger.warn("yes");
    silent.logger.error("no");
    silentLogger.error("no");

    expect(lines.length).toBe(1);
    expect(silent.lines).toEqual([]);
  });
});
