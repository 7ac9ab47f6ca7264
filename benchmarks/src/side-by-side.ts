/** Does `work` for 0 to `count` - 1, so many at once. Answers how many a second. */
export async function rateOf(count: number, atOnce: number, work: (nth: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (count / (performance.now() - startedAt)) * 1_000;
}
