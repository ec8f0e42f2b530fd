import { expect, it } from "vitest";
import { servedMediaType } from "./media-type.ts";

it.each([
  ["pdf", "%PDF-1.7", "application/pdf"],
  ["image", "\x89PNG\r\n\x1a\n1234", "image/png"],
  ["image", "\xff\xd8\xff\xe0", "image/jpeg"],
  ["image", "RIFF\x0a\x00\x00\x00WEBPVP8 ", "image/webp"],
  ["image", "II*\x00", "application/octet-stream"],
  ["image", "<svg onload=alert(1)>", "application/octet-stream"],
  ["html", "<!doctype html>", "application/octet-stream"],
  [null, "%PDF-1.7", "application/octet-stream"],
] as const)("serves %s that begins with %j as %s", (fileType, head, type) => {
  expect(servedMediaType(fileType, Buffer.from(head, "latin1"))).toBe(type);
});
