import { describe, expect, it } from "vitest";
import { errorCode, isMillraceError, MillraceError, toError } from "./errors.ts";

const options = { code: "too_many", kind: "limited", message: "Wait a moment." } as const;

describe("MillraceError", () => {
  it("is not retryable and has no details or items unless told so", () => {
    expect(new MillraceError(options)).toMatchObject({
      code: "too_many",
      kind: "limited",
      details: {},
      items: [],
      retryable: false,
      retryAfterSeconds: undefined,
      putOffSeconds: undefined,
    });
    expect("cause" in new MillraceError(options)).toBe(false);
  });

  it("keeps its cause", () => {
    const cause = new Error("below");

    expect(new MillraceError({ ...options, cause }).cause).toBe(cause);
  });
});

describe("isMillraceError", () => {
  it("recognises errors made by another copy of this module", async () => {
    const address = new URL("./errors.ts?copy=2", import.meta.url).href;
    const copy = (await import(/* @vite-ignore */ address)) as { MillraceError: typeof MillraceError };

    const error = new copy.MillraceError(options);

    expect(error).not.toBeInstanceOf(MillraceError);
    expect(isMillraceError(error)).toBe(true);
    expect(errorCode(error)).toBe("too_many");
  });

  it.each([undefined, null, "too_many", new Error("x"), { code: "too_many", kind: "limited" }])(
    "does not take %s for one",
    (value) => {
      expect(isMillraceError(value)).toBe(false);
      expect(errorCode(value)).toBe("internal_error");
    },
  );
});

describe("toError", () => {
  it("returns errors as they are", () => {
    const error = new TypeError("x");

    expect(toError(error)).toBe(error);
  });

  it("makes an error of text, and keeps anything else as its cause", () => {
    expect(toError("went wrong").message).toBe("went wrong");
    expect(toError({ status: 3 }).cause).toEqual({ status: 3 });
    expect(toError(undefined)).toBeInstanceOf(Error);
  });
});
