import type { Document } from 'bson';
import { bytesOf } from '../store/document-bytes.js';
import { MOST_DOCUMENT_BYTES } from '../store/document-size.js';

export interface Batch {
  readonly documents: readonly Document[];
  /** Nothing comes behind it. The last batch need not know: an empty one follows then. */
  readonly isLast: boolean;
}

export interface CursorOptions {
  readonly namespace: string;
  readonly documents: Iterable<Document>;
  /** How many documents there are at most. */
  readonly limit?: number | undefined;
  /** Called when it is over, however. */
  readonly release?: (() => void) | undefined;
}

/** A result that is read batch by batch, each as far as it was asked for and as a reply can hold. */
export class Cursor {
  readonly namespace: string;
  readonly #documents: Iterator<Document>;
  readonly #release: (() => void) | undefined;
  #left: number;
  /** Did not fit into the last batch. */
  #held: Document | undefined;

  constructor({ namespace, documents, limit = Number.POSITIVE_INFINITY, release }: CursorOptions) {
    this.namespace = namespace;
    this.#documents = documents[Symbol.iterator]();
    this.#left = limit;
    this.#release = release;
  }

  next(most = Number.POSITIVE_INFINITY): Batch {
    const documents: Document[] = [];
    let bytes = 0;
    while (documents.length < most && this.#left > 0) {
      const document = this.#take();
      if (!document) return { documents, isLast: true };
      bytes += bytesOf(document).length;
      if (bytes > MOST_DOCUMENT_BYTES && documents.length > 0) {
        this.#held = document;
        break;
      }
      documents.push(document);
      this.#left--;
    }
    return { documents, isLast: this.#left <= 0 };
  }

  close(): void {
    this.#documents.return?.();
    this.#release?.();
  }

  #take(): Document | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held) return held;
    const next = this.#documents.next();
    return next.done === true ? undefined : next.value;
  }
}
