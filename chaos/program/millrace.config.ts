import { defineConfig } from "millrace";
import { handleAsk } from "./ask.ts";

export default defineConfig({ migrations: "migrations", tasks: (parts) => [handleAsk(parts)] });
