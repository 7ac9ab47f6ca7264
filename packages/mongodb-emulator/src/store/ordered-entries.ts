/** Where an entry lies: below zero before a range, zero inside, above zero behind it. Must not go down along the order. */
export type Place<Entry> = (entry: Entry) => number;

const MOST_IN_A_LEAF = 512;
const FEW_IN_TWO_LEAVES = 192;

/**
 * Entries in order, in leaves of some hundred: a tree of two levels. A million entries are a few thousand leaves, so that finding one takes
 * twenty comparisons, and inserting moves a few kilobytes. Entries that come in order fill leaf after leaf.
 */
export class OrderedEntries<Entry> {
  #leaves: Entry[][] = [[]];
  #size = 0;
  #changes = 0;

  constructor(private readonly compare: (one: Entry, other: Entry) => number) {}

  get size(): number {
    return this.#size;
  }

  /** @returns false if it was there */
  add(entry: Entry): boolean {
    const last = this.#leaves.at(-1)!;
    if (last.length === 0 || this.compare(last.at(-1)!, entry) < 0) {
      if (last.length < MOST_IN_A_LEAF) last.push(entry);
      else this.#leaves.push([entry]);
    } else if (!this.#insert(entry)) {
      return false;
    }
    this.#size++;
    this.#changes++;
    return true;
  }

  /** @returns false if it was not there */
  delete(entry: Entry): boolean {
    const [leafAt, at] = this.#first((other) => this.compare(other, entry));
    const leaf = this.#leaves[leafAt];
    if (leaf?.[at] === undefined || this.compare(leaf[at], entry) !== 0) return false;
    leaf.splice(at, 1);
    this.#size--;
    this.#changes++;
    this.#merge(leafAt);
    return true;
  }

  /** Fills it anew. Quicker than adding one by one. */
  fill(entries: Entry[]): void {
    entries.sort(this.compare);
    this.#leaves = [];
    for (let at = 0; at < entries.length; at += MOST_IN_A_LEAF) this.#leaves.push(entries.slice(at, at + MOST_IN_A_LEAF));
    if (this.#leaves.length === 0) this.#leaves.push([]);
    this.#size = entries.length;
    this.#changes++;
  }

  /** The entries of a range. Goes on where it was if entries are added or deleted meanwhile. */
  *forward(place: Place<Entry>): Generator<Entry, void> {
    let [leafAt, at] = this.#first(place);
    for (;;) {
      const leaf = this.#leaves[leafAt];
      if (!leaf) return;
      const entry = leaf[at];
      if (entry === undefined) {
        leafAt++;
        at = 0;
        continue;
      }
      if (place(entry) !== 0) return;
      const changes = this.#changes;
      yield entry;
      if (changes === this.#changes) at++;
      else [leafAt, at] = this.#first((other) => (this.compare(other, entry) > 0 ? 0 : -1));
    }
  }

  /** As {@link forward}, from the end. */
  *backward(place: Place<Entry>): Generator<Entry, void> {
    let [leafAt, at] = this.#first((entry) => (place(entry) > 0 ? 0 : -1));
    for (;;) {
      if (--at < 0) {
        const leaf = this.#leaves[--leafAt];
        if (!leaf) return;
        at = leaf.length;
        continue;
      }
      const entry = this.#leaves[leafAt]![at]!;
      if (place(entry) !== 0) return;
      const changes = this.#changes;
      yield entry;
      if (changes !== this.#changes) [leafAt, at] = this.#first((other) => this.compare(other, entry));
    }
  }

  /** About how many entries a range has; exact within a leaf. */
  estimate(place: Place<Entry>): number {
    const [firstLeaf, first] = this.#first(place);
    const [endLeaf, end] = this.#first((entry) => (place(entry) > 0 ? 0 : -1));
    if (firstLeaf === endLeaf) return end - first;
    const between = ((endLeaf - firstLeaf - 1) * this.#size) / this.#leaves.length;
    return this.#leaves[firstLeaf]!.length - first + Math.round(between) + end;
  }

  #insert(entry: Entry): boolean {
    const [leafAt, at] = this.#first((other) => this.compare(other, entry));
    const leaf = this.#leaves[leafAt]!;
    if (leaf[at] !== undefined && this.compare(leaf[at], entry) === 0) return false;
    leaf.splice(at, 0, entry);
    if (leaf.length > MOST_IN_A_LEAF) this.#leaves.splice(leafAt + 1, 0, leaf.splice(MOST_IN_A_LEAF / 2));
    return true;
  }

  #merge(leafAt: number): void {
    const [leaf, next] = [this.#leaves[leafAt]!, this.#leaves[leafAt + 1]];
    if (next && leaf.length + next.length < FEW_IN_TWO_LEAVES) {
      leaf.push(...next);
      this.#leaves.splice(leafAt + 1, 1);
    } else if (leaf.length === 0 && this.#leaves.length > 1) {
      this.#leaves.splice(leafAt, 1);
    }
  }

  /** Leaf and index of the first entry that is not before the place; behind the last entry if there is none. */
  #first(place: Place<Entry>): [number, number] {
    let [low, high] = [0, this.#leaves.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const last = this.#leaves[middle]!.at(-1);
      if (last === undefined || place(last) < 0) low = middle + 1;
      else high = middle;
    }
    const leafAt = low;
    const leaf = this.#leaves[leafAt]!;
    [low, high] = [0, leaf.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (place(leaf[middle]!) < 0) low = middle + 1;
      else high = middle;
    }
    return [leafAt, low];
  }
}
