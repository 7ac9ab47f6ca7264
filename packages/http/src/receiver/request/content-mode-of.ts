import type { ContentMode } from '../../wire/content-mode.js';
import { BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE } from '../../wire/media-types.js';
import { headerOf } from '../received-request.js';
import type { RequestHeaders } from '../received-request.js';
import { Refusal } from '../refusal.js';

const TYPE_OF = { structured: STRUCTURED_TYPE, batch: BATCH_TYPE, binary: `${JSON_TYPE} with ce- headers` } as const;

/** The mode that the headers announce, where it is one of `modes`. */
export function contentModeOf(headers: RequestHeaders, modes: readonly ContentMode[]): ContentMode {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity')
    throw new Refusal('unsupported-media-type', 'Bodies are not unpacked here: send it as it is, without content-encoding.', {
      'accept-encoding': 'identity',
    });
  const contentType = headerOf(headers, 'content-type') ?? '';
  const mode = announced(contentType, headers);
  if (mode === undefined || !modes.includes(mode) || !isUtf8(contentType))
    throw new Refusal('unsupported-media-type', `What is taken here is ${modes.map((taken) => TYPE_OF[taken]).join(', or ')}, in UTF-8.`);
  return mode;
}

function announced(contentType: string, headers: RequestHeaders): ContentMode | undefined {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === STRUCTURED_TYPE) return 'structured';
  if (mediaType === BATCH_TYPE) return 'batch';
  const hasAttributes = headerOf(headers, 'ce-specversion') !== undefined || headerOf(headers, 'ce-id') !== undefined;
  return hasAttributes && isJson(mediaType) ? 'binary' : undefined;
}

/** True for JSON, and for what is JSON under a name of its own. */
export const isJson = (mediaType: string): boolean => mediaType === JSON_TYPE || /^[^/]+\/[^/]+\+json$/.test(mediaType);

export const mediaTypeOf = (contentType: string): string => contentType.split(';')[0]!.trim().toLowerCase();

function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1]?.toLowerCase();
  return charset === undefined || charset === 'utf-8' || charset === 'utf8';
}
