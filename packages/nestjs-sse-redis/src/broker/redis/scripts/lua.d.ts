/** The text of a Lua script, with what it includes. `lua.mjs` makes the module of `publish.lua` when the package is built or tested. */
declare module '*.lua.js' {
  const source: string;
  export default source;
}
