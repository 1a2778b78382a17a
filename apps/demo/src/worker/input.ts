import { BadRequestException } from '@nestjs/common';

type Fields = Record<string, unknown> | undefined;

/** A line of text that somebody typed. */
export function text(body: Fields, name: string, maxLength: number): string {
  const value = body?.[name];
  const trimmed = typeof value === 'string' ? value.trim() : '';
  if (trimmed.length >= 1 && trimmed.length <= maxLength) return trimmed;
  throw new BadRequestException(
    `"${name}" takes text of 1 to ${maxLength} characters (as JSON: {"${name}":"…"})`,
  );
}

export function integer(body: Fields, name: string, min: number, max: number): number {
  const value = body?.[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BadRequestException(`"${name}" takes a whole number from ${min} to ${max}`);
}

/** A random name that a page made up: for itself, for a flood, for a post that it may have to send twice. */
export function token(value: unknown, name: string): string {
  if (typeof value === 'string' && /^[\w-]{1,40}$/.test(value)) return value;
  throw new BadRequestException(`"${name}" takes 1 to 40 letters, digits, "-" and "_"`);
}

export function optionalToken(value: unknown, name: string): string | undefined {
  return value === undefined ? undefined : token(value, name);
}
