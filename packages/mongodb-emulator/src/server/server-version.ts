/** Which server version speaks which wire version, newest first. */
const VERSIONS: readonly (readonly [wireVersion: number, version: readonly [number, number, number]])[] = [
  [27, [8, 2, 0]],
  [25, [8, 0, 0]],
  [21, [7, 0, 0]],
  [17, [6, 0, 0]],
  [13, [5, 0, 0]],
  [9, [4, 4, 0]],
];

/** What a server with this wire version calls itself. */
export function versionOf(maxWireVersion: number): { readonly version: string; readonly versionArray: readonly number[] } {
  const numbers = VERSIONS.find(([wireVersion]) => wireVersion <= maxWireVersion)?.[1] ?? [4, 2, 0];
  return { version: numbers.join('.'), versionArray: [...numbers, 0] };
}
