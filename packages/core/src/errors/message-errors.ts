import type { StandardSchemaV1 } from '@standard-schema/spec';
import { WaybillError } from './waybill-error.js';

/** A message type that the catalogue does not list. */
export class UnknownMessageTypeError extends WaybillError {
  readonly code = 'UNKNOWN_MESSAGE_TYPE';

  constructor(
    readonly type: string,
    readonly stream?: string,
  ) {
    super(
      `Message type "${type}"${stream === undefined ? '' : ` in stream "${stream}"`} is not in the catalogue. Add its definition to \`catalogue\`, or name it in \`formerly\` of its successor.`,
    );
  }
}

/** A payload that its schema refuses, or that cannot be stored. */
export class InvalidPayloadError extends WaybillError {
  readonly code = 'INVALID_PAYLOAD';

  constructor(
    readonly type: string,
    readonly issues: readonly StandardSchemaV1.Issue[],
    options?: ErrorOptions,
  ) {
    super(`Payload of "${type}" is not valid: ${issues.map(issueText).join('; ')}.`, options);
  }
}

/** A payload over the limit that sinks can take. Refused at commit, for in the outbox it would halt its lane. */
export class PayloadTooLargeError extends WaybillError {
  readonly code = 'PAYLOAD_TOO_LARGE';

  constructor(
    readonly type: string,
    readonly stream: string,
    readonly bytes: number,
    readonly limitBytes: number,
  ) {
    super(
      `Payload of "${type}" for stream "${stream}" has ${bytes} bytes; the limit is ${limitBytes} (EventStoreDB takes 1 MiB an append). ` +
        'Store the large part elsewhere and refer to it, or raise `maxPayloadBytes` if every sink of yours takes more.',
    );
  }
}

/** A stream name that is empty, too long, reserved, or holds characters that some store cannot keep. */
export class InvalidStreamNameError extends WaybillError {
  readonly code = 'INVALID_STREAM_NAME';

  constructor(
    readonly stream: string,
    reason: string,
  ) {
    super(`Stream name ${JSON.stringify(stream.slice(0, 80))} ${reason}.`);
  }
}

/** `append` was called without a message, or twice with demands that contradict each other. */
export class InvalidAppendError extends WaybillError {
  readonly code = 'INVALID_APPEND';

  constructor(
    readonly stream: string,
    reason: string,
  ) {
    super(`Append to "${stream}" refused: ${reason}.`);
  }
}

function issueText({ message, path }: StandardSchemaV1.Issue): string {
  const keys = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
