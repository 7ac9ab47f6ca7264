/** How every document is read that comes in: nothing is promoted, so that int32, int64, double and decimal stay what they are. */
export const FULL_TYPES = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;
