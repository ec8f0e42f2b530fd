import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectSecrets, parseRedactPath, redactValue, scrubText } from "./redact.ts";

describe("parseRedactPath", () => {
  it.each([
    ["password", ["password"]],
    ["card.number", ["card", "number"]],
    ["items[*].token", ["items", "*", "token"]],
    ["items.*.token", ["items", "*", "token"]],
    ["[*].token", ["*", "token"]],
    ["rows[0][1]", ["rows", "0", "1"]],
    ['headers["x.key"].value', ["headers", "x.key", "value"]],
    ["x-api-key", ["x-api-key"]],
  ])("reads %s", (text, path) => {
    expect(parseRedactPath(text)).toEqual(path);
  });

  it.each(["", ".", ".a", "a.", "a..b", "a[", "a]", "a[]", "a[x]", "a b", "[*]x", "**", "a,b"])(
    "refuses %o",
    (text) => {
      expect(parseRedactPath(text)).toBeUndefined();
    },
  );
});

describe("redactValue", () => {
  it.each<[string[], unknown, unknown]>([
    [["password"], { password: "x", name: "y" }, { password: "[redacted]", name: "y" }],
    [["card.number"], { card: { number: 5, kind: "a" } }, { card: { number: "[redacted]", kind: "a" } }],
    [["card"], { card: { number: 5 } }, { card: "[redacted]" }],
    [
      ["items[*].token"],
      { items: [{ token: "x", id: 1 }, { id: 2 }, null, 3] },
      { items: [{ token: "[redacted]", id: 1 }, { id: 2 }, null, 3] },
    ],
    [["a.*"], { a: { b: 1, c: 2 }, d: 3 }, { a: { b: "[redacted]", c: "[redacted]" }, d: 3 }],
    [["[*].key"], [{ key: 1 }], [{ key: "[redacted]" }]],
    [["rows[1]"], { rows: [1, 2] }, { rows: [1, "[redacted]"] }],
    [["a.b"], { a: "text" }, { a: "text" }],
    [["a"], { b: 1 }, { b: 1 }],
    [["a"], null, null],
    [["a"], "text", "text"],
    [["empty"], { empty: null }, { empty: "[redacted]" }],
  ])("%j", (redact, value, shown) => {
    expect(redactValue({ redact }, value)).toEqual(shown);
  });

  it("does not change the value, also where a named and a starred path meet", () => {
    const value = { a: { b: { c: 1 }, d: { c: 2 } } };

    const shown = redactValue({ redact: ["a.*.c", "a.b.c"] }, value);

    expect(shown).toEqual({ a: { b: { c: "[redacted]" }, d: { c: "[redacted]" } } });
    expect(value).toEqual({ a: { b: { c: 1 }, d: { c: 2 } } });
  });

  it("keeps its hands off prototypes", () => {
    const value: unknown = JSON.parse('{"__proto__": {"token": "x"}, "a": 1}');

    const shown = redactValue({ redact: ["__proto__.toString", "*.token"] }, value);

    expect(JSON.stringify(shown)).toBe('{"__proto__":{"token":"[redacted]"},"a":1}');
    expect(Object.getPrototypeOf(shown)).toBe(Object.prototype);
    expect(Object.prototype.toString.call({})).toBe("[object Object]");
  });

  it("never shows what stands at a path, nor changes what was given", () => {
    const secret = "s3cret-value";
    fc.assert(
      fc.property(fc.jsonValue(), fc.stringMatching(/^[a-z]{1,4}$/), (rest, key) => {
        const value = { [key]: { deep: [secret] }, list: [{ [key]: secret }, rest] };
        const before = JSON.stringify(value);

        const shown = redactValue({ redact: [key, `list[*].${key}`, "list[*]"] }, value);

        expect(JSON.stringify(shown)).not.toContain(secret);
        expect(JSON.stringify(value)).toBe(before);
      }),
    );
  });
});

describe("scrubText", () => {
  const redact = ["password", "keys[*]", "pin"];

  it("takes the secrets of an input out of a line", () => {
    const secrets = collectSecrets({ redact }, { password: "hunter22", keys: ["sk-12345"], name: "Ada" });

    expect(scrubText("Ada sent hunter22 with sk-12345.", secrets)).toBe(
      "Ada sent [redacted] with [redacted].",
    );
  });

  it("finds them inside JSON and inside an address", () => {
    const password = 'a"b c\n';
    const secrets = collectSecrets({ redact }, { password });

    expect(scrubText(JSON.stringify({ password }), secrets)).toBe('{"password":"[redacted]"}');
    expect(scrubText(`https://host/?p=${encodeURIComponent(password)}`, secrets)).toBe(
      "https://host/?p=[redacted]",
    );
  });

  it("leaves no part of a secret that holds another", () => {
    const secrets = collectSecrets({ redact }, { keys: ["abcd", "abcdefgh"] });

    expect(scrubText("abcdefgh", secrets)).toBe("[redacted]");
  });

  it("knows numbers and what lies deeper", () => {
    expect(collectSecrets({ redact }, { pin: 123456, keys: [{ a: ["deep-secret"] }] })).toEqual([
      "deep-secret",
      "123456",
    ]);
  });

  it("lets short texts stand", () => {
    expect(collectSecrets({ redact }, { password: "abc" })).toEqual([]);
  });

  it("stands half characters", () => {
    expect(collectSecrets({ redact }, { password: "abc\ud800" })).toContain("abc\ud800");
  });
});
