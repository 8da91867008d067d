import { defineConfig } from "vite";

export default defineConfig({
  build: { outDir: "dist", emptyOutDir: false, target: "es2022", assetsInlineLimit: 0 },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
