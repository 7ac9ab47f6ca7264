import type { Document, Timestamp } from 'bson';

/** What a filter, an update or a pipeline may know besides the documents. */
export interface Variables {
  /** `$$NOW` */
  readonly now: Date;
  /** `$$CLUSTER_TIME` */
  readonly clusterTime: Timestamp;
  /** The command's `let`: values or constant expressions, by name without dollars. */
  readonly let?: Document;
}
