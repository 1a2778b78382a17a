const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Returns the names in the braces of a pattern, in their order. */
export function findPlaceholders(pattern: string): string[] {
  return [...pattern.matchAll(PLACEHOLDER)].map(([, name]) => name!);
}

/** Returns the fault of a pattern of channel names, if it has one. */
export function findProblemOfPattern(pattern: string): string | undefined {
  const names = findPlaceholders(pattern);
  if (pattern === '') return 'which is empty';
  if (names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return 'in whose braces is no name';
  if (new Set(names).size < names.length) return 'in which a name stands twice';
  if (/[{}]/.test(pattern.replaceAll(PLACEHOLDER, ''))) return 'in which a brace is left over';
  return undefined;
}

/**
 * A pattern of channel names: `order:{id}:progress`. `{user}` stands for the id of the client's user, whatever
 * characters it has; any other placeholder for one or more characters other than a colon.
 */
export class ChannelPattern {
  /** The names in its braces, in their order. */
  readonly placeholders: readonly string[];
  private readonly parts: string[];
  private readonly isOfUser: boolean;
  private readonly expression: RegExp | undefined;
  /** Whatever the user is. */
  private readonly anyUser: RegExp;

  /** @param text one without a problem */
  constructor(readonly text: string) {
    // Every second part is what `split` captured: the name of a placeholder.
    this.parts = text.split(PLACEHOLDER);
    this.placeholders = this.parts.filter((_, i) => i % 2 === 1);
    this.isOfUser = this.placeholders.includes('user');
    this.anyUser = this.compile('.+');
    if (!this.isOfUser) this.expression = this.anyUser;
  }

  /** Returns the name with a value in the place of each placeholder. */
  fill(values: readonly string[]): string {
    let name = this.parts[0]!;
    values.forEach((value, i) => (name += value + this.parts[2 * i + 2]!));
    return name;
  }

  /** Whether a channel has such a name; `{user}` stands for any user. */
  fits(channel: string): boolean {
    return channel.startsWith(this.parts[0]!) && this.anyUser.test(channel);
  }

  /** What the placeholders stand for in a channel's name, or undefined if it does not fit. */
  match(channel: string, user: string | undefined): Record<string, string> | undefined {
    if (this.isOfUser && user === undefined) return undefined;
    const match = (this.expression ?? this.compile(escape(user!))).exec(channel);
    return match ? Object.fromEntries(this.placeholders.map((name, i) => [name, match[i + 1]!])) : undefined;
  }

  /** @param user the source of an expression */
  private compile(user: string): RegExp {
    const source = this.parts.map((part, i) => {
      if (i % 2 === 0) return escape(part);
      return part === 'user' ? `(${user})` : '([^:]+)';
    });
    return new RegExp(`^${source.join('')}$`, 'su');
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
