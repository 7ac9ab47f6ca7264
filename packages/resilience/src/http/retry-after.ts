/** How long a `Retry-After` header asks to be left alone, in milliseconds: seconds, or a date. `undefined`: it does not ask, or nobody can read it. */
export function retryAfterMs(header: string | readonly string[] | undefined, now: Date): number | undefined {
  const text = (typeof header === 'string' ? header : header?.at(-1))?.trim();
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  // Dates have a month by its name: what Date.parse reads besides would make a date of "-5", or of "3.5".
  const at = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
