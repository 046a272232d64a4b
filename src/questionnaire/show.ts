/** Values as a message shows them: short, and what a reader knows them by. */

export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value !== 'object') return plain(value);
  const { system, code, display, reference, value: number, unit, url, title } = value as Record<string, unknown>;
  if (number !== undefined) {
    // What is computed with is the code, whatever the words beside it say.
    const beside = unit !== undefined && code !== undefined && unit !== code ? ` (${plain(code)})` : '';
    return `${plain(number)} ${plain(unit ?? code ?? '(no unit)')}${beside}`;
  }
  if (code !== undefined || display !== undefined) {
    const from = system === undefined ? '' : `${plain(system)}|`;
    if (code === undefined) return JSON.stringify(plain(display));
    return display === undefined ? from + plain(code) : `${from}${plain(code)} (${plain(display)})`;
  }
  return plain(reference ?? title ?? url ?? 'something else');
}

const LONGEST = 80;

/** Of a value without parts. */
export function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? 'nothing');
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
