/** Each client its own, from half of it to one and a half: what is closed together must not come back together. */
export function jitter(retry: number): number {
  return Math.ceil(retry * (0.5 + Math.random()));
}
