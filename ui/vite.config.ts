import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const ui = fileURLToPath(new URL('.', import.meta.url))
const server = 'http://127.0.0.1:8080'

/** Built for browsers that know `light-dark()`; nothing is inlined, because the dashboard is served with a strict CSP. */
export default defineConfig({
  root: ui,
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: `${ui}dist`,
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': server,
      '/git': server,
      '/hooks': server,
      '/live': { target: server, ws: true },
      '/terminal': { target: server, ws: true },
    },
  },
})
