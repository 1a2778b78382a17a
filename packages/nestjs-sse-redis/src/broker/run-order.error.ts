/** An event of a run came before another one that got lost on its way: its owner sends both again. */
export class RunOrderError extends Error {
  override readonly name = 'RunOrderError';
}
