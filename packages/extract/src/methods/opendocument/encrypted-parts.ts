import { MethodFailure } from "../method-failure.ts";
import type { Archive } from "../archive/archive.ts";
import { readSmallPart } from "../archive/package-parts.ts";

/** Throws `file_encrypted_or_legacy` when the parts of an OpenDocument file are encrypted, which only its list of parts says. */
export async function refuseEncryptedParts(archive: Archive): Promise<void> {
  const manifest = await readSmallPart(archive, "META-INF/manifest.xml");
  if (/<(?:[\w-]+:)?encryption-data\b/.test(manifest)) {
    throw new MethodFailure("file_encrypted_or_legacy", "encrypted parts");
  }
}
