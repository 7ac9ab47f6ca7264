/** Orders any two BSON values as the server does; numbers by value, whatever their types. */
export function compareValues(_a: unknown, _b: unknown): number {
  throw new Error('not yet');
}

/** Whether two BSON values are equal: numbers by value, documents with the order of their fields. */
export function equalValues(_a: unknown, _b: unknown): boolean {
  throw new Error('not yet');
}
