import { describe, expect, it } from "vitest";
import { mirrorOfLines, mirrorOfStanzas } from "./apt-mirror.ts";

describe("the machine's Debian mirror", () => {
  it("is found in one-line sources, past options and other archives", () => {
    const text = [
      "# deb http://commented.example/debian bookworm main",
      "deb [signed-by=/k.gpg] https://vendor.example/apt stable main",
      "deb [arch=amd64 signed-by=/d.gpg] http://mirror.example/debian/ bookworm main contrib",
    ].join("\n");

    expect(mirrorOfLines(text)).toBe("http://mirror.example/debian");
  });

  it("is found in deb822 sources, never the security archive", () => {
    const text = [
      "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main",
      "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main",
    ].join("\n\n");

    expect(mirrorOfStanzas(text)).toBe("http://mirror.example/debian");
  });

  it("is absent when only third-party archives are configured", () => {
    expect(mirrorOfLines("deb https://vendor.example/apt stable main")).toBeUndefined();
    expect(
      mirrorOfStanzas("Types: deb-src\nURIs: http://m.example/debian\nSuites: sid\nComponents: main"),
    ).toBe(undefined);
  });
});
