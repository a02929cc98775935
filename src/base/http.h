/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1 messages (RFC 9112), as the kernel side leaves them (rec_http_head): a first line,
 * and of the headers these, a letter instead of the name and the colon. Not a byte of them is trusted.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include "base/str.h"

/* Those of semantic conventions; HTTP_OTHER is any other. */
enum http_method {
	HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_CONNECT,
	HTTP_OPTIONS, HTTP_TRACE, HTTP_PATCH, HTTP_QUERY, HTTP_METHOD_END
};

enum http_header {
	HEADER_HOST = 'h', HEADER_LENGTH = 'l', /* Content-Length */ HEADER_CODING = 'c', /* Transfer-Encoding */
	HEADER_PARENT = 'p', /* traceparent */
};

struct http_message {
	bool is_response;
	u16 version;		/* HTTP/1.x: x */
	u16 status;		/* of a response, 100 to 999 */
	struct str method, target; /* of a request: views of what was read */
	struct str host, parent; /* of headers; "": none */
	u64 length;		/* Content-Length */
	bool has_length, chunked;
};

/* False: it is none. */
bool http_read(struct str head, struct http_message *ret);

enum http_method http_method_of(struct str name);
const char *http_method_name(enum http_method method);	/* "_OTHER" */

/* The path of a target, with "?" behind it if there was a query; without who logs in where a proxy is
 * asked for a whole URL. */
struct str http_path(struct str target);

struct http_parent {
	u8 trace_id[16], span_id[8], flags;
};
/* A traceparent header (W3C trace-context-2 section 3.2); false: it is none. */
bool http_parent_read(struct str text, struct http_parent *ret);

#endif
