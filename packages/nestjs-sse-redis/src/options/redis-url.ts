/** The URL that ioredis knows in place of one of Valkey: its hosts hand out `valkeys://`, with TLS, and `valkey://`. */
export function toRedisUrl(url: string): string {
  return url.replace(/^valkey(s?)(?=(\+cluster)?:)/, 'redis$1');
}
