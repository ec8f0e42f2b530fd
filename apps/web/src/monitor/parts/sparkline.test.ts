import { describe, expect, it } from "vitest";
import { linePoints } from "./sparkline.tsx";

const size = { width: 100, height: 12 };

describe("linePoints", () => {
  it("needs two values", () => {
    expect(linePoints([3], size)).toBeUndefined();
  });

  it("spreads the values over the width, the largest at the top", () => {
    expect(linePoints([0, 5, 10], size)).toBe("0.0,11.0 50.0,6.0 100.0,1.0");
  });

  it("leaves nothing but zeros on the ground", () => {
    expect(linePoints([0, 0], size)).toBe("0.0,11.0 100.0,11.0");
  });
});
