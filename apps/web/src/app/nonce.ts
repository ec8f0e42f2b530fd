import { setNonce } from "get-nonce";

/** The nonce which the server wrote into the page, for the style elements the kit creates. */
export function readNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}

/** Hands the nonce to libraries that create style elements by themselves (scroll locking). */
export function announceNonce(nonce: string): void {
  if (nonce !== "") setNonce(nonce);
}
