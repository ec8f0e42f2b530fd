const prefix = "whsec_";

/** The key of a secret as Standard Webhooks write it: `whsec_` and base64. */
export function webhookKeyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(prefix.length), "base64");
}

/** Whether it is one, and long enough not to be guessed. */
export function isWebhookSecret(secret: string): boolean {
  const { length } = webhookKeyOf(secret);
  return /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) && length >= 24 && length <= 64;
}
