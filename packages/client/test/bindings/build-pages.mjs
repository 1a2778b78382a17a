// Builds the pages of the bindings with Vite, as an application does: one build, of which each page is an entry.
// Called with the folder for the result. A process of its own: Vite is not made for Jest's module loader.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

await build({
  root: here,
  configFile: false,
  // Warnings and errors alone. The test expects none.
  logLevel: 'warn',
  // React mounts twice in StrictMode, and both frameworks complain of misuse, in this mode alone.
  define: {
    'process.env.NODE_ENV': '"development"',
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  resolve: {
    alias: { 'nestjs-sse-redis-client': fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
  },
  build: {
    outDir: process.argv[2],
    emptyOutDir: false,
    minify: false,
    chunkSizeWarningLimit: 10_000,
    rolldownOptions: {
      input: ['react-page', 'vue-page', 'query-page'].map((page) => `${here}${page}.ts`),
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunk-[hash].js' },
    },
  },
});
