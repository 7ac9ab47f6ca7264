/** How a CloudEvent is laid out in a request: one as a JSON document, one in headers and body, or several as a JSON array. */
export type ContentMode = 'structured' | 'binary' | 'batch';

export const STRUCTURED_TYPE = 'application/cloudevents+json';
export const BATCH_TYPE = 'application/cloudevents-batch+json';
export const JSON_TYPE = 'application/json';
