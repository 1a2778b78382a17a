/** The rights of an application: here everybody reads everything but secrets. */
export function mayRead(_socket: unknown, channel: string): boolean {
  return !channel.startsWith('secret');
}
