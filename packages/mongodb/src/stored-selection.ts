import type { Selection } from '@waybill/core';
import type { RouteDocument } from './stored-documents.js';

export const selectionOf = ({ types, streams }: Pick<RouteDocument, 'types' | 'streams'>): Selection => ({
  ...(types && { types }),
  ...(streams && { streams }),
});
