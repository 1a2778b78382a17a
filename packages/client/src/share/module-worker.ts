/** The worker of this package, by a URL in the form that bundlers look for (Vite, webpack 5, Parcel, Rollup plug-ins). */
export function createModuleWorker(name: string): SharedWorker {
  return new SharedWorker(new URL('./shared-worker.js', import.meta.url), { type: 'module', name });
}
