import { describe, expect, it } from "vitest";
import { checkUrl, parseAllowedHost } from "./check-url.ts";

const rules = {
  ports: [80, 443],
  allowedHosts: ["intranet.example", "wiki.example:8080", "[::1]:81", "plain.example:80"].map(
    parseAllowedHost,
  ),
};

describe("checkUrl", () => {
  it.each([
    ["another scheme", "ftp://example.com/"],
    ["a file", "file:///etc/passwd"],
    ["data", "data:text/html,hello"],
    ["a script", "javascript:alert(1)"],
    ["a user", "https://user@example.com/"],
    ["a password", "https://:secret@example.com/"],
    ["a user that looks like a host", "https://example.com@127.0.0.1/"],
    ["another port", "https://example.com:8443/"],
    ["a port of the database", "http://example.com:5432/"],
    ["no host", "https://"],
    ["no scheme", "example.com"],
    ["a path alone", "/etc/passwd"],
    ["too much", `https://example.com/${"x".repeat(2_048)}`],
  ])("refuses %s", (_what, url) => {
    expect(() => checkUrl(url, rules)).toThrow(expect.objectContaining({ code: "invalid_url" }));
  });

  it.each([
    ["http://2130706433/", "127.0.0.1"],
    ["http://0x7f.1/", "127.0.0.1"],
    ["http://0177.0.0.1/", "127.0.0.1"],
    ["http://127.1/", "127.0.0.1"],
    ["http://0/", "0.0.0.0"],
    ["http://①②⑦.⓪.⓪.①/", "127.0.0.1"],
    ["http://１２７.0.0.1/", "127.0.0.1"],
    ["http://127。0。0。1/", "127.0.0.1"],
    ["http://127.0.0.1./", "127.0.0.1"],
    ["http://[::ffff:127.0.0.1]/", "::ffff:7f00:1"],
    ["http://LOCALHOST./", "localhost"],
    ["http:\\\\127.0.0.1\\", "127.0.0.1"],
    ["http://exa\tmple.com/", "example.com"],
  ])("finds the host of %s", (url, host) => {
    expect(checkUrl(url, rules).host).toBe(host);
  });

  it.each([
    ["http://intranet.example/", true, 80],
    ["https://intranet.example./", true, 443],
    ["http://wiki.example:8080/", true, 8080],
    ["http://[::1]:81/", true, 81],
    ["http://plain.example/", true, 80],
    // Named with its port: on another it is a host like any other.
    ["http://wiki.example/", false, 80],
    ["https://plain.example/", false, 443],
    ["http://example.com/", false, 80],
  ])("says of %s whether the operator has named it", (url, isAllowed, port) => {
    expect(checkUrl(url, rules)).toMatchObject({ isAllowed, port });
  });

  it("refuses another port of a host that was named without one", () => {
    expect(() => checkUrl("http://intranet.example:5432/", rules)).toThrow(
      expect.objectContaining({ code: "invalid_url" }),
    );
  });
});

it.each(["", "http://x.example", "x.example/path", "user@x.example", "x.example:99999", "a b"])(
  "refuses %j among the allowed hosts",
  (host) => {
    expect(() => parseAllowedHost(host)).toThrow(expect.objectContaining({ code: "invalid_url" }));
  },
);
