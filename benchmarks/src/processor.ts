/** Begins to count what this process needs of the processor; calling what it returns answers how many milliseconds that were. */
export function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
}

/** For a verdict: a busy machine changes it less than a rate. */
export const costOfEach = (milliseconds: number, times: number): string =>
  `${((milliseconds * 1_000) / times).toFixed(1)} us of the processor each`;
