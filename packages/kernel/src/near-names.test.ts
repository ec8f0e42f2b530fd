import { describe, expect, it } from "vitest";
import { nearNames } from "./near-names.ts";

const names = ["add", "documents.process_document", "mail.send_letter", "mail.send_letters"];

describe("nearNames", () => {
  it("finds a slip of the pen, the nearest first", () => {
    expect(nearNames("mail.send_leter", names)).toEqual(["mail.send_letter", "mail.send_letters"]);
  });

  it("finds a name whose domain was left out", () => {
    expect(nearNames("process_document", names)).toEqual(["documents.process_document"]);
  });

  it("does not mind capitals", () => {
    expect(nearNames("ADD", names)).toEqual(["add"]);
  });

  it("finds nothing for what is like no name", () => {
    expect(nearNames("billing.charge", names)).toEqual([]);
  });
});
