/** All but the first. */
export function* skipping<Item>(items: Iterable<Item>, count: number): Generator<Item, void> {
  let left = count;
  for (const item of items) {
    if (left-- > 0) continue;
    yield item;
  }
}
