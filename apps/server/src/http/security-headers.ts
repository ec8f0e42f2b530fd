import { randomBytes } from "node:crypto";

/**
 * The content security policy. `connect-src 'self'` covers our WebSocket in every browser of the
 * last four years. A nonce allows the style elements that the component library adds at run time.
 */
export function contentSecurityPolicy(nonce?: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    nonce === undefined ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}

/** 128 bits, new for every page: a repeated nonce would protect nothing. */
export function newNonce(): string {
  return randomBytes(16).toString("base64");
}

/** What every response carries, errors and unknown paths included. */
export function securityHeaders(publicUrl: string | undefined): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentSecurityPolicy(),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    ...(publicUrl?.startsWith("https:") === true ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}
