// receiver
export { HttpReceiver } from './receiver/http-receiver.js';
export type { HttpReceiverOptions, ReceiverLimits } from './receiver/http-receiver-options.js';
export type { HttpReply, ReceivedRequest, RequestHeaders } from './receiver/received-request.js';

// wire
export type { ContentMode } from './wire/content-mode.js';
export type { Problem, ProblemSlug } from './wire/problem.js';
