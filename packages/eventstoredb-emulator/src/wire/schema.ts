import protobuf from 'protobufjs';

/**
 * The part of EventStoreDB's protocol that this server speaks, written from the field numbers seen on the wire.
 *
 * Declared here and not taken from a client package: the clients register their message classes on a process-wide global, and two of
 * them in one process break each other.
 */
const SCHEMA = `
  syntax = "proto3";

  package event_store.client;
  message Empty {}
  message UUID {
    message Structured { int64 most_significant_bits = 1; int64 least_significant_bits = 2; }
    oneof value { Structured structured = 1; string text = 2; }
  }
  message StreamIdentifier { bytes stream_name = 3; }
  message Position { uint64 commit_position = 1; uint64 prepare_position = 2; }
  message WrongExpectedVersion {
    oneof current { uint64 current_stream_revision = 1; Empty current_no_stream = 2; }
    oneof expected {
      uint64 expected_stream_position = 3;
      Empty expected_any = 4;
      Empty expected_stream_exists = 5;
      Empty expected_no_stream = 6;
    }
  }
  message StreamDeleted { StreamIdentifier stream_identifier = 1; }
  message MaximumAppendSizeExceeded { uint32 max_append_size = 1; }
  message BadRequest { string message = 1; }
  message Timeout {}

  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; Any details = 3; }
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }

  message ProposedMessage {
    UUID id = 1;
    map<string, string> metadata = 2;
    bytes custom_metadata = 3;
    bytes data = 4;
  }
  message AppendReq {
    message Options {
      StreamIdentifier stream_identifier = 1;
      oneof expected { uint64 revision = 2; Empty no_stream = 3; Empty any = 4; Empty stream_exists = 5; }
    }
    oneof content { Options options = 1; ProposedMessage proposed_message = 2; }
  }
  message AppendResp {
    message Success {
      oneof current { uint64 current_revision = 1; Empty no_stream = 2; }
      oneof place { Position position = 3; Empty no_position = 4; }
    }
    message WrongExpectedVersion {
      oneof current { uint64 current_revision = 6; Empty current_no_stream = 7; }
      oneof expected {
        uint64 expected_revision = 8;
        Empty expected_any = 9;
        Empty expected_stream_exists = 10;
        Empty expected_no_stream = 11;
      }
    }
    oneof result { Success success = 1; WrongExpectedVersion wrong_expected_version = 2; }
  }
  message BatchAppendReq {
    message Options {
      StreamIdentifier stream_identifier = 1;
      oneof expected { uint64 revision = 2; Empty no_stream = 3; Empty any = 4; Empty stream_exists = 5; }
      Timestamp deadline_at = 6;
      Timestamp deadline_in = 7;
    }
    UUID correlation_id = 1;
    Options options = 2;
    repeated ProposedMessage proposed_messages = 3;
    bool is_final = 4;
  }
  message BatchAppendResp {
    UUID correlation_id = 1;
    oneof result { Status error = 2; AppendResp.Success success = 3; }
    StreamIdentifier stream_identifier = 4;
  }
  message DeleteReq { AppendReq.Options options = 1; }
  message DeleteResp { oneof place { Position position = 1; Empty no_position = 2; } }

  message ReadReq {
    message StreamOptions {
      StreamIdentifier stream_identifier = 1;
      oneof from { uint64 revision = 2; Empty start = 3; Empty end = 4; }
    }
    message AllOptions { oneof from { Position position = 1; Empty start = 2; Empty end = 3; } }
    message FilterOptions {
      message Expression { string regex = 1; repeated string prefix = 2; }
      oneof on { Expression stream_identifier = 1; Expression event_type = 2; }
      oneof window { uint32 max = 3; Empty count = 4; }
      uint32 checkpoint_interval_multiplier = 5;
    }
    message Options {
      oneof source { StreamOptions stream = 1; AllOptions all = 2; }
      int32 read_direction = 3;
      bool resolve_links = 4;
      oneof amount { uint64 count = 5; Empty subscription = 6; }
      oneof filter_option { FilterOptions filter = 7; Empty no_filter = 8; }
    }
    Options options = 1;
  }
  message ReadResp {
    message Confirmation { string subscription_id = 1; }
    message StreamNotFound { StreamIdentifier stream_identifier = 1; }
    oneof content {
      Confirmation confirmation = 2;
      Position checkpoint = 3;
      StreamNotFound stream_not_found = 4;
      Empty caught_up = 8;
      Empty fell_behind = 9;
    }
  }

  message ClusterInfo { repeated MemberInfo members = 1; }
  message EndPoint { string address = 1; uint32 port = 2; }
  message MemberInfo {
    UUID instance_id = 1;
    int64 time_stamp = 2;
    int32 state = 3;
    bool is_alive = 4;
    EndPoint http_end_point = 5;
  }
  message SupportedMethods { repeated SupportedMethod methods = 1; string event_store_server_version = 2; }
  message SupportedMethod { string method_name = 1; string service_name = 2; repeated string features = 3; }
`;

const root = protobuf.parse(SCHEMA).root.resolveAll();

/** Encodes and decodes one message of the schema. */
export interface Codec<Message> {
  encode(message: Message): Buffer;
  decode(bytes: Uint8Array): Message;
}

/**
 * Looks a message up in the schema.
 *
 * @typeParam Message - what the caller knows the fields to be; nothing checks it, so it stands next to the schema in `messages.ts`
 */
export function codec<Message extends object>(name: string): Codec<Message> {
  const type = root.lookupType(`event_store.client.${name}`);
  return {
    encode: (message) => type.encode(message).finish() as Buffer,
    decode: (bytes) => type.decode(bytes) as unknown as Message,
  };
}
