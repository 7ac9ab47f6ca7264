/** How CloudEvents are laid out in a request: one as a JSON document, one in headers and body, or several as a JSON array. */
export type ContentMode = 'structured' | 'binary' | 'batch';
