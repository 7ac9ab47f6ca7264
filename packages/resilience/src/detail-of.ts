/** What an error says to a person who reads it within a sentence. */
export function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: the error that holds them says nothing itself.
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(detailOf).join('; ');
  return error.message === '' ? error.name : error.message;
}
