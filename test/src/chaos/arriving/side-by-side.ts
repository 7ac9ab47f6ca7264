/**
 * Tests that are begun together, since each of them waits most of its time; a test is over when its story is, and what it threw is thrown by
 * it alone.
 */
export function sideBySide(stories: Readonly<Record<string, () => Promise<void>>>): void {
  const outcomes = new Map<string, Promise<{ readonly error: unknown } | undefined>>();
  before(() => {
    for (const [title, tell] of Object.entries(stories))
      outcomes.set(
        title,
        tell().then(
          () => undefined,
          (error: unknown) => ({ error }),
        ),
      );
  });
  for (const title of Object.keys(stories))
    it(title, async () => {
      const outcome = await outcomes.get(title);
      if (outcome) throw outcome.error;
    });
}
