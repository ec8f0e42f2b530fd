/** The floor of `first-event`: a bare WebSocket server that sends back what it gets. */
import { once } from "node:events";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (content, isBinary) => socket.send(content, { binary: isBinary }));
});
await once(server, "listening");
process.once("SIGTERM", () => process.exit(0));
const address = server.address();
if (address === null || typeof address === "string") throw new Error("the echo server has no port");
process.stdout.write(`The echo is ready at ws://127.0.0.1:${address.port}\n`);
