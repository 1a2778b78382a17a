/** The few shapes that the pictures are made of. White behind them, so that they read on any page. */
export function svg(width: number, height: number, content: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ` font-family="system-ui, sans-serif" font-size="12" fill="#1f2937">\n`,
    `<rect width="${width}" height="${height}" fill="#fff"/>\n`,
    ...content.map((line) => `${line}\n`),
    '</svg>\n',
  ].join('');
}

interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly bold?: boolean;
  readonly color?: string;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = 'start', size = 12, bold = false, color } = style;
  const attributes = [
    `x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}"`,
    bold ? ' font-weight="600"' : '',
    color ? ` fill="${color}"` : '',
  ].join('');
  return `<text ${attributes}>${escape(content)}</text>`;
}

export function bar(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="2" fill="${color}"/>`;
}

export function line(points: readonly (readonly [number, number])[], color: string, width = 2): string {
  const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="${width}"/>`;
}

export function dot(x: number, y: number, color: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="4" fill="${color}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
