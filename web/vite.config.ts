import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// What sign-in and portfolio need, together in one file: many small ones compress worse.
const first = [
  /node_modules\/(react|react-dom|scheduler|use-sync-external-store|zustand|openapi-fetch|tinykeys|get-nonce|aria-hidden|tslib|use-sidecar|use-callback-ref)\//,
  /node_modules\/(@tanstack\/(react-)?(router|query|store|history)(-core)?|@floating-ui\/[a-z-]+)\//,
  /node_modules\/(@radix-ui\/(primitive|react-(menu|dropdown-menu|popover|popper|dialog|dismissable-layer|focus-scope|focus-guards|portal|presence|slot|primitive|context|collection|direction|id|arrow|roving-focus|toggle|toggle-group|compose-refs|use-[a-z-]+))|react-remove-scroll(-bar)?|react-style-singleton)\//,
  /src\/(api|app)\/(?!palette|keymap)[a-z]+\.tsx?$/,
  /src\/ui\/(?!choices|toasts|dialog|csv|copy|tabs|progress)[a-z]+\.tsx?$/,
  /src\/places\/(portfolio\/(portfolio|data|columns|sparkline|totals|actions)|product\/actions)\.tsx?$/,
];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The server puts a fresh nonce in the place of this word in every answer.
  html: { cspNonce: "{{nonce}}" },
  build: {
    outDir: "dist", emptyOutDir: false, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 2000,
    rolldownOptions: { output: { advancedChunks: { groups: [{ name: "first", test: (id: string) => first.some((f) => f.test(id)) }] } } },
  },
  server: { proxy: { "/api": process.env.THREATLOOP_URL ?? "http://127.0.0.1:8080" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
