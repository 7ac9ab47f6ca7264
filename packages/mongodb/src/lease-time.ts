/** Nobody holds the lane. Of a lease that runs for longer than it was given for, a clock has gone back. */
export const IS_FREE = {
  $or: [{ $eq: ['$released', true] }, { $lte: ['$leaseUntil', '$$NOW'] }, { $gt: ['$leaseUntil', { $add: ['$$NOW', '$leaseMs'] }] }],
};
