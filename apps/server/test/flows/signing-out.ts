import { expect } from "vitest";

export const token = "a-key-for-these-tests-only";

/** Signs in at a server with `token`; gives the headers of that browser, as somebody who copied its cookie has them. */
export async function signIn(url: string): Promise<Record<string, string>> {
  const response = await fetch(`${url}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  expect(response.status).toBe(200);
  return { cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "", "sec-fetch-site": "same-origin" };
}

export async function signOut(url: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch(`${url}/api/session`, { method: "DELETE", headers });
  expect(response.status).toBe(200);
}

/** The status of a page of the API that needs access. */
export async function statusFor(url: string, headers: Record<string, string>): Promise<number> {
  return (await fetch(`${url}/api/jobs`, { headers })).status;
}
