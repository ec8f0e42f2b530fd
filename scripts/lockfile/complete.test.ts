import { describe, expect, it } from "vitest";
import { completeLockfile } from "./complete.ts";

function lockfile(packages: object): string {
  return `${JSON.stringify({ name: "a", lockfileVersion: 3, packages }, undefined, 2)}\n`;
}

const parser = {
  version: "1.0.0",
  dev: true,
  optionalDependencies: {
    "@parser/binding-linux-x64-musl": "1.0.0",
    "@parser/binding-darwin-arm64": "1.0.0",
  },
};
const musl = { version: "1.0.0", optional: true };

describe("completeLockfile", () => {
  it("adds the packages of other platforms with the version that their parent pins", () => {
    const before = lockfile({
      "node_modules/parser": parser,
      "node_modules/@parser/binding-linux-x64-musl": musl,
    });

    const { text, added } = completeLockfile(before);

    expect(added).toEqual(["@parser/binding-darwin-arm64@1.0.0"]);
    expect(JSON.parse(text)).toMatchObject({
      packages: {
        "node_modules/@parser/binding-darwin-arm64": {
          version: "1.0.0",
          dev: true,
          optional: true,
          os: ["darwin"],
          cpu: ["arm64"],
        },
      },
    });
  });

  it("changes nothing the second time", () => {
    const once = completeLockfile(lockfile({ "node_modules/parser": parser }));

    expect(completeLockfile(once.text)).toEqual({ text: once.text, added: [] });
  });

  it("accepts a package inside its parent's folder", () => {
    const before = lockfile({
      "node_modules/tool/node_modules/parser": {
        optionalDependencies: { "@parser/binding-linux-x64-musl": "1.0.0" },
      },
      "node_modules/tool/node_modules/@parser/binding-linux-x64-musl": musl,
    });

    expect(completeLockfile(before).added).toEqual([]);
  });

  it("leaves an optional package alone whose name states no platform", () => {
    const before = lockfile({ "node_modules/tool": { optionalDependencies: { fancy: "^2.0.0" } } });

    expect(completeLockfile(before)).toEqual({ text: before, added: [] });
  });
});
