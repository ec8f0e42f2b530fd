import { defineConfig } from "millrace";

export default defineConfig({ migrations: "migrations" });
