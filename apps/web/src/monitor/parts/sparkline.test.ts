import { describe, expect, it } from "vitest";
import { linePoints } from "./sparkline.tsx";

const size = { width: 100, height: 12 };

describe("linePoints", () => {
  it("needs two moments", () => {
    expect(linePoints([{ atMs: 5, value: 3 }], size)).toBeUndefined();
  });

  it("spreads the values over the width by their moments, the largest at the top", () => {
    const points = [
      { atMs: 1000, value: 0 },
      { atMs: 1250, value: 5 },
      { atMs: 2000, value: 10 },
    ];

    expect(linePoints(points, size)).toBe("0.0,11.0 25.0,6.0 100.0,1.0");
  });

  it("leaves nothing but zeros on the ground", () => {
    const points = [
      { atMs: 0, value: 0 },
      { atMs: 1, value: 0 },
    ];

    expect(linePoints(points, size)).toBe("0.0,11.0 100.0,11.0");
  });
});
