// sink
export { HttpSink } from './sink/http-sink.js';
export type { AnswerMessage, HttpSinkOptions } from './sink/http-sink-options.js';
export type { TargetManner, TargetOptions } from './sink/target-options.js';
export type { FailoverOptions } from './sink/failover-options.js';
export type { TargetState, TargetReport } from './sink/door.js';
export { classifyByStatus } from './sink/classify.js';
export type { Classification, Classifier } from './sink/classify.js';
export type { TargetAnswer } from './sink/target-answer.js';
export type { TargetQuery, TargetStatus } from './sink/target-query.js';
export type { Credentials, CredentialsSource } from './sink/credentials.js';
export type { ExtraHeaders, HeadersOption } from './sink/request-headers.js';
export type { MappedRequest, MappedSending, RequestMapper } from './sink/request-mapper.js';
export type { Sending } from './cloudevent/message-event.js';
export type { Secrets } from './sink/signature.js';

// receiver
export { HttpReceiver } from './receiver/http-receiver.js';
export type { HttpReceiverOptions, ReceiverLimits } from './receiver/http-receiver-options.js';
export type { HttpReply, ReceivedRequest, RequestHeaders } from './receiver/received-request.js';

// wire
export type { ContentMode } from './wire/content-mode.js';
export type { Problem, ProblemSlug } from './wire/problem.js';
