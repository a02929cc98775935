/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OTEL_EXPORTER_OTLP_HEADERS form (opentelemetry-specification, protocol/exporter.md,
 * "Specifying headers via environment variables"): "k1=v1,k2=v2", cut at ',' and then at the
 * first '='; blanks around both trimmed; the value alone is percent-decoded. Empty parts
 * ("a=1,,b=2") are skipped. Values are secrets: no message here holds one.
 */
#ifndef OTEL_HEADERS_H
#define OTEL_HEADERS_H

#include "base/str.h"

#define HEADERS_MAX 32
#define HEADER_VALUE_MAX 8192	/* decoded; a bearer token of a cloud is 2-4 KiB */

/* Views are valid during the call. Non-zero ends the parse with that value. */
typedef int (*headers_fn)(void *ctx, struct str name, struct str value);

/*
 * Calls fn for each header, once all of text has been found good. 0, what fn returned, or
 * -EINVAL with a sentence in err: no '=', a name that is no RFC 9110 token or that HTTP
 * framing needs for itself, a broken % escape, a control character (also after decoding),
 * more than HEADERS_MAX, a value over HEADER_VALUE_MAX.
 */
int headers_parse(struct str text, headers_fn fn, void *ctx, char *err, size_t err_cap);

#endif
