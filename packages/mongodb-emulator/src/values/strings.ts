const FIRST_SURROGATE = 0xd800;

/** Orders strings by their UTF-8 bytes, as the server does without a collation. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return inCodePointOrder(x) - inCodePointOrder(y);
  }
  return a.length - b.length;
}

/** UTF-16 has the surrogates, which stand for the highest code points, below U+E000 to U+FFFF. */
function inCodePointOrder(unit: number): number {
  if (unit < FIRST_SURROGATE) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
