/** Names of the CloudEvents attributes that Waybill adds to those of the specification. All of them travel as text. */
export const EXTENSION = {
  /** CloudEvents "partitioning": the stream. */
  stream: 'partitionkey',
  /** CloudEvents "sequence": the revision, in decimals. */
  revision: 'sequence',
  /** CloudEvents "distributed tracing". */
  traceparent: 'traceparent',
  correlationId: 'correlationid',
  causationId: 'causationid',
  /** Revision of the message of the stream that the route delivered before this one, or {@link NO_PREVIOUS}. */
  previous: 'waybillprevious',
  /** The lease epoch that the message was sent under. */
  epoch: 'waybillepoch',
  route: 'waybillroute',
  /** `event` or `command`. */
  kind: 'waybillkind',
  schemaVersion: 'waybillschema',
  codec: 'waybillcodec',
} as const;

/** Value of `waybillprevious` for the first message of a stream that a route delivers. */
export const NO_PREVIOUS = 'none';

const OF_THE_SPECIFICATION = [
  'id',
  'source',
  'specversion',
  'type',
  'datacontenttype',
  'dataschema',
  'subject',
  'time',
  'data',
  'data_base64',
];
const SET_ASIDE = new Set<string>([
  ...OF_THE_SPECIFICATION,
  ...Object.values(EXTENSION),
  'datacontentencoding', // the SDK takes these two for attributes of version 0.3
  'schemaurl',
  'tracestate',
  ...['constructor', 'emit', 'validate'], // its events are objects that have these
]);

/** True for a name that an extension of one's own can have: lower-case letters and digits, 20 at most, and not one that means something already. */
export function isOwnAttribute(name: string): boolean {
  return /^[a-z0-9]{1,20}$/.test(name) && !SET_ASIDE.has(name) && !name.startsWith('waybill');
}
