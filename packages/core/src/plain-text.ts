/** Text that every database keeps as it is: not empty, no NUL, no half of a surrogate pair. */
export const isPlainText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !value.includes('\0') && value.isWellFormed();

const LONGEST_STORED = 10_000;

/** What is stored of an error: enough for a person, and never a whole page that some target has answered. */
export const storedText = (text: string): string => (text.length > LONGEST_STORED ? `${text.slice(0, LONGEST_STORED)} ...` : text);
