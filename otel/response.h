/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a collector's HTTP answer says. All of it is foreign bytes: anything that does not
 * parse says nothing, and never turns a success into a failure (a proxy may answer 200 with
 * HTML).
 */
#ifndef OTEL_RESPONSE_H
#define OTEL_RESPONSE_H

#include "base/str.h"

#define RESPONSE_TEXT_MAX 256

struct response {
	u64 rejected;			/* items, of a partial success; 0: none */
	char message[RESPONSE_TEXT_MAX]; /* valid UTF-8, "" when it says nothing */
};

/*
 * Body of a 2xx: ExportXServiceResponse { 1: partial_success { 1: int64 rejected_x, 2:
 * error_message } }, the same in all three signals. A partial_success that is there but empty
 * is the default Collector's full success.
 */
void response_success(struct response *ret, struct str body);
/* Body of anything else: google.rpc.Status { 2: message }, or text. */
void response_failure(struct response *ret, struct str body);

/*
 * Retry-After (RFC 9110 10.2.3) in ns from now: delta-seconds, or one of the three forms of
 * HTTP-date (5.6.7) against the UNIX time wall_s; 0 for a time that has passed. false: neither
 * of them. At most RETRY_AFTER_MAX_S is returned: a wrong
 * clock must not silence a node for a day.
 */
#define RETRY_AFTER_MAX_S 3600
bool response_retry_after(struct str value, u64 wall_s, u64 *ret_ns);

#endif
