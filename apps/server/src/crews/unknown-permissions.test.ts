import { expect, it } from "vitest";
import { unknownPermissions } from "./unknown-permissions.ts";

const tools = [{ permissions: ["documents:read"] }, { permissions: ["network:fetch"] }, { permissions: [] }];

it("names a permission that no tool needs, and what may have been meant", () => {
  expect(unknownPermissions(["documents:read", "network:fetsh"], tools)).toEqual([
    'CREW_PERMISSIONS names "network:fetsh", which no tool needs, so it allows nothing. Did you mean network:fetch? Tools need: documents:read, network:fetch.',
  ]);
});

it("says nothing of those that tools need", () => {
  expect(unknownPermissions(["documents:read"], tools)).toEqual([]);
});
