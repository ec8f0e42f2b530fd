import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { assertLocalHost, assertSameOrigin } from "./origin.ts";

function codeOf(work: () => void): string {
  try {
    work();
    return "none";
  } catch (error) {
    return errorCode(error);
  }
}

describe("assertLocalHost", () => {
  it.each([
    "localhost",
    "localhost:8000",
    "127.0.0.1:5173",
    "[::1]:8000",
    "app.example.org",
    "app.example.org:443",
  ])("answers under %s", (host) => {
    expect(codeOf(() => assertLocalHost({ host }, "https://app.example.org"))).toBe("none");
  });

  it.each([
    undefined,
    "",
    "evil.example",
    "localhost.evil.example",
    "evil.example:8000",
    "127.0.0.1.nip.io",
    "localhost@evil.example",
    "localhost/evil",
    "localhost evil.example",
    "10.0.0.1",
  ])("refuses %j", (host) => {
    const headers = host === undefined ? {} : { host };

    expect(codeOf(() => assertLocalHost(headers, undefined))).toBe("host_not_allowed");
  });
});

describe("assertSameOrigin", () => {
  const publicUrl = "https://app.example.org/millrace";
  const host = "localhost:8000";

  it.each([
    { host },
    { host, origin: "http://localhost:8000" },
    { host, origin: "http://localhost:8000", "sec-fetch-site": "same-origin" },
    { host, "sec-fetch-site": "none" },
    { host: "proxy.internal", origin: "https://app.example.org" },
    { host: "app.example.org", origin: "https://app.example.org" },
  ])("accepts %j", (headers) => {
    expect(codeOf(() => assertSameOrigin(headers, { publicUrl, mustBeKnown: false }))).toBe("none");
  });

  it.each([
    { host, origin: "null" },
    { host, origin: "" },
    { host, origin: "http://evil.example" },
    { host, origin: "http://localhost:3000" },
    { host, origin: "http://localhost:8000.evil.example" },
    { host, origin: "file://localhost:8000" },
    { host, origin: "http://app.example.org" },
    { host, "sec-fetch-site": "cross-site" },
    { host, "sec-fetch-site": "same-site" },
    { host, origin: "http://localhost:8000", "sec-fetch-site": "cross-site" },
  ])("refuses %j", (headers) => {
    expect(codeOf(() => assertSameOrigin(headers, { publicUrl, mustBeKnown: false }))).toBe(
      "cross_origin_request",
    );
  });

  it("refuses a request without any sign of its origin when a cookie would identify it", () => {
    expect(codeOf(() => assertSameOrigin({ host }, { publicUrl, mustBeKnown: true }))).toBe(
      "cross_origin_request",
    );
  });
});
