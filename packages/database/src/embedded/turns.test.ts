import { describe, expect, it } from "vitest";
import { Turns } from "./turns.ts";
import type { Precedence } from "./turns.ts";

describe("Turns", () => {
  it("gives the connection to the foreground first, each class in its order", async () => {
    const turns = new Turns(1_000);
    await turns.take();
    const order: string[] = [];
    const wait = async (name: string, precedence: Precedence) => {
      await turns.take(precedence);
      order.push(name);
      turns.pass();
    };
    const waits = [
      wait("b1", "background"),
      wait("f1", "foreground"),
      wait("b2", "background"),
      wait("f2", "foreground"),
    ];

    turns.pass();
    await Promise.all(waits);

    expect(order).toEqual(["f1", "f2", "b1", "b2"]);
  });

  it("does not let a crowd in the foreground stop the background", async () => {
    const turns = new Turns(1_000);
    await turns.take();
    const order: string[] = [];
    const wait = async (name: string, precedence: Precedence) => {
      await turns.take(precedence);
      order.push(name);
      turns.pass();
    };
    const waits = Array.from({ length: 20 }, (_turn, index) => wait(`f${index}`, "foreground"));
    waits.push(wait("b", "background"));

    turns.pass();
    await Promise.all(waits);

    expect(order.indexOf("b")).toBeLessThan(10);
  });

  it("names the holder when a wait lasts too long", async () => {
    const turns = new Turns(10);
    await turns.take();
    turns.describe("the culprit");

    await expect(turns.take()).rejects.toMatchObject({
      code: "database_wait_expired",
      cause: expect.objectContaining({ message: expect.stringContaining("the culprit") }),
    });
  });
});
