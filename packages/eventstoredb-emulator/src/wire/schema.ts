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

  message PersistentReadReq {
    message Options {
      oneof source { StreamIdentifier stream_identifier = 1; Empty all = 5; }
      string group_name = 2;
      int32 buffer_size = 3;
    }
    message Ack { repeated UUID ids = 2; }
    message Nack { repeated UUID ids = 2; int32 action = 3; string reason = 4; }
    oneof content { Options options = 1; Ack ack = 2; Nack nack = 3; }
  }
  message GroupSettings {
    bool resolve_links = 1;
    uint64 revision = 2;
    bool extra_statistics = 3;
    oneof message_timeout { int64 message_timeout_ticks = 4; int32 message_timeout_ms = 14; }
    int32 max_retry_count = 5;
    oneof checkpoint_after { int64 checkpoint_after_ticks = 6; int32 checkpoint_after_ms = 15; }
    int32 min_checkpoint_count = 7;
    int32 max_checkpoint_count = 8;
    int32 max_subscriber_count = 9;
    int32 live_buffer_size = 10;
    int32 read_batch_size = 11;
    int32 history_buffer_size = 12;
    int32 named_consumer_strategy = 13;
    string consumer_strategy = 16;
  }
  message DefineGroupReq {
    message AllOptions {
      oneof from { Position position = 1; Empty start = 2; Empty end = 3; }
      oneof filter_option { ReadReq.FilterOptions filter = 4; Empty no_filter = 5; }
    }
    message Options {
      oneof source { ReadReq.StreamOptions stream = 4; AllOptions all = 5; }
      StreamIdentifier stream_identifier = 1;
      string group_name = 2;
      GroupSettings settings = 3;
    }
    Options options = 1;
  }
  message DeleteGroupReq {
    message Options {
      oneof source { StreamIdentifier stream_identifier = 1; Empty all = 3; }
      string group_name = 2;
    }
    Options options = 1;
  }
  message GroupInfoReq {
    message Options {
      oneof source { StreamIdentifier stream_identifier = 1; Empty all = 2; }
      string group_name = 3;
    }
    Options options = 1;
  }
  message ReplayParkedReq {
    message Options {
      string group_name = 1;
      oneof source { StreamIdentifier stream_identifier = 2; Empty all = 3; }
      oneof limit { int64 stop_at = 4; Empty no_limit = 5; }
    }
    Options options = 1;
  }
  message ListGroupsReq {
    message StreamOption { oneof source { StreamIdentifier stream = 1; Empty all = 2; } }
    message Options { oneof list { Empty list_all_subscriptions = 1; StreamOption list_for_stream = 2; } }
    Options options = 1;
  }
  message GroupInfo {
    message Connection {
      string from = 1;
      string username = 2;
      int32 average_items_per_second = 3;
      int64 total_items = 4;
      int64 count_since_last_measurement = 5;
      int32 available_slots = 7;
      int32 in_flight_messages = 8;
      string connection_name = 9;
    }
    string event_source = 1;
    string group_name = 2;
    string status = 3;
    repeated Connection connections = 4;
    int32 average_per_second = 5;
    int64 total_items = 6;
    int64 count_since_last_measurement = 7;
    string last_checkpointed_event_position = 8;
    string last_known_event_position = 9;
    bool resolve_link_tos = 10;
    string start_from = 11;
    int32 message_timeout_milliseconds = 12;
    bool extra_statistics = 13;
    int32 max_retry_count = 14;
    int32 live_buffer_size = 15;
    int32 buffer_size = 16;
    int32 read_batch_size = 17;
    int32 check_point_after_milliseconds = 18;
    int32 min_check_point_count = 19;
    int32 max_check_point_count = 20;
    int32 read_buffer_count = 21;
    int64 live_buffer_count = 22;
    int32 retry_buffer_count = 23;
    int32 total_in_flight_messages = 24;
    int32 outstanding_messages_count = 25;
    string named_consumer_strategy = 26;
    int32 max_subscriber_count = 27;
    int64 parked_message_count = 28;
  }
  message GroupInfoResp { GroupInfo subscription_info = 1; }
  message ListGroupsResp { repeated GroupInfo subscriptions = 1; }

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
