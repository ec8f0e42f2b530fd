import { newId } from "@millrace/kernel";

/** A RabbitMQ of a test's own, as far as the server lets it have one. */
export type VirtualHost = {
  readonly url: string;
  readonly close: () => Promise<void>;
};

/**
 * Makes a virtual host at the RabbitMQ of the tests, so that no worker of another test takes its hints. Without the
 * management API it is the common one, where that can happen: then jobs start with the poll.
 */
export async function openVirtualHost(): Promise<VirtualHost> {
  const { MILLRACE_TEST_RABBITMQ_URL: url, MILLRACE_TEST_RABBITMQ_MANAGEMENT_URL: management } = process.env;
  if (url === undefined) throw new Error("this test needs RabbitMQ");
  if (management === undefined) return { url, close: async () => undefined };
  const name = `millrace-test-${newId()}`;
  await send("PUT", management, name);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, close: () => send("DELETE", management, name) };
}

async function send(method: "PUT" | "DELETE", management: string, name: string): Promise<void> {
  const { origin, username, password } = new URL(management);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const response = await fetch(`${origin}/api/vhosts/${name}`, { method, headers: { authorization } });
  if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${name}`);
}
