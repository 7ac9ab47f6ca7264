/** A place where a test lets something wait until it says go. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** A closed gate. Opening it twice is opening it once. */
export function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
