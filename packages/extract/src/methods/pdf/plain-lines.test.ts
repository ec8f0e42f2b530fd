import { describe, expect, it } from "vitest";
import { joinPlainLines } from "./plain-lines.ts";

describe("joinPlainLines", () => {
  it("joins a long line with the lower-case one that follows", () => {
    const first = "The race carries the water of the river from the weir";

    expect(joinPlainLines(`${first}\r\nto the wheel.\r\nThen it rests.`)).toBe(
      `${first} to the wheel.\nThen it rests.`,
    );
  });

  it("joins the words the library marks as broken", () => {
    expect(joinPlainLines("the oppo\u0002\r\nsite bank")).toBe("the opposite bank");
  });

  it("closes the gaps between Chinese characters", () => {
    expect(joinPlainLines("水 车 小 屋 的 主 人")).toBe("水车小屋的主人");
  });
});
