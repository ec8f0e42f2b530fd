/** The floor of `start`: opens the embedded database in a folder, and does nothing else. */
import { openEmbedded } from "@millrace/database";

const database = await openEmbedded(process.argv[2] ?? null);
process.once("SIGTERM", () => void database.close().then(() => process.exit(0)));
process.stdout.write("The bare database is ready at its folder\n");
// The channel to the benchmark would not keep this process alive by itself.
process.on("message", () => undefined);
