import { defineConfig } from 'vite';

// The server mounts frontend_stub/dist at /ui/, so every asset is asked from our own origin.
export default defineConfig({
  base: '/ui/graphiql/',
  logLevel: 'warn',
  worker: { format: 'es' },
  build: {
    outDir: '../dist/graphiql',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 8000,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      onLog(level, log, report) {
        // "use client" is a hint for server rendering, which we do not do.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') {
          report(level, log);
        }
      },
    },
  },
});
