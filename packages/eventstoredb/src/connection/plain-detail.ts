/** What the client says, to stand inside a sentence: without gRPC's empty note and the full stop at its end. */
export function plainDetail(text: string): string {
  return text.replace(/\s*Resolution note:\s*$/, '').replace(/[.\s]+$/, '');
}
