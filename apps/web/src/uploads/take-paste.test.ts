import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { takePaste } from "./take-paste.ts";

class Place {
  isContentEditable = false;
  readonly isField: boolean;

  constructor(isField: boolean) {
    this.isField = isField;
  }

  matches(): boolean {
    return this.isField;
  }
}

let calls: string[];

beforeEach(() => {
  calls = [];
  vi.stubGlobal("HTMLElement", Place);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function paste(names: readonly string[], { text = "", isInField = false } = {}): void {
  const clipboard = { files: names.map((name) => new File(["x"], name)), getData: () => text };
  takePaste(
    {
      target: new Place(isInField) as unknown as EventTarget,
      clipboardData: clipboard as unknown as DataTransfer,
    },
    {
      add: (files) => calls.push(`add ${files.map(({ name }) => name).join(" ")}`),
      onTaken: () => calls.push("taken"),
      onTakenAside: () => calls.push("taken aside"),
    },
  );
}

describe("takePaste", () => {
  it("adds pasted files", () => {
    paste(["image.png"]);

    expect(calls).toEqual(["taken", "add image.png"]);
  });

  it("leaves cells of a spreadsheet alone, which come with a picture of them", () => {
    paste(["image.png"], { text: "Year\tVisitors\n2026\t4100\n" });

    expect(calls).toEqual([]);
  });

  it("adds files whose names or paths a file manager puts beside them", () => {
    paste(["a.pdf", "b c.pdf"], { text: "a.pdf\r\n/home/ada/b c.pdf\r\n" });

    expect(calls).toEqual(["taken", "add a.pdf b c.pdf"]);
  });

  it("does not lead away from a field that is written in", () => {
    paste(["image.png"], { isInField: true });

    expect(calls).toEqual(["taken aside", "add image.png"]);
  });

  it("has nothing to do with text alone", () => {
    paste([], { text: "some text" });

    expect(calls).toEqual([]);
  });
});
