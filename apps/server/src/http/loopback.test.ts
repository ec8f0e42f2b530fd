import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { assertSafeBinding, isLoopback } from "./loopback.ts";
import type { ServerSettings } from "./settings.ts";

const token = "0123456789abcdef";

function codeOf(settings: Pick<ServerSettings, "HOST" | "MILLRACE_TOKEN" | "PUBLIC_URL">): string {
  try {
    assertSafeBinding(settings);
    return "none";
  } catch (error) {
    return errorCode(error);
  }
}

describe("isLoopback", () => {
  it.each(["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])("%s is", (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "127.0.0.1.nip.io",
    "localhost.evil.example",
    "1127.0.0.1",
    "127.evil",
    "",
  ])("%j is not", (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe("assertSafeBinding", () => {
  it.each([
    { HOST: "127.0.0.1" },
    { HOST: "localhost", PUBLIC_URL: "http://localhost:8000" },
    { HOST: "0.0.0.0", MILLRACE_TOKEN: token },
    { HOST: "127.0.0.1", PUBLIC_URL: "https://millrace.example.org", MILLRACE_TOKEN: token },
  ])("lets %j start", (settings) => {
    expect(codeOf(settings)).toBe("none");
  });

  it.each([
    { HOST: "0.0.0.0" },
    { HOST: "::" },
    { HOST: "192.168.1.5" },
    { HOST: "0.0.0.0", MILLRACE_TOKEN: "short" },
    { HOST: "127.0.0.1", PUBLIC_URL: "https://millrace.example.org" },
  ])("refuses %j", (settings) => {
    expect(codeOf(settings)).toBe("token_required");
  });
});
