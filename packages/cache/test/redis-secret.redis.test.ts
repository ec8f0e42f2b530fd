import { createLogger } from "@millrace/kernel";
import { expect, it } from "vitest";
import { RedisConnection } from "../src/index.ts";

it("does not tell the log the password that Redis refuses", async () => {
  const url = new URL(process.env["MILLRACE_TEST_REDIS_URL"] ?? "");
  url.username = "nobody";
  url.password = "a-secret-word";
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: "info", name: "test", destination });
  const redis = new RedisConnection({ url: url.href, logger, purpose: "cache" });

  await redis.start();
  await expect.poll(() => lines.length).toBeGreaterThan(0);
  await redis.stop();

  expect(lines.join("")).toContain("WRONGPASS");
  expect(lines.join("")).not.toContain("a-secret-word");
});
