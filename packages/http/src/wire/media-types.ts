export const JSON_TYPE = 'application/json';
export const STRUCTURED_TYPE = 'application/cloudevents+json';
export const BATCH_TYPE = 'application/cloudevents-batch+json';
/** A problem document (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';
