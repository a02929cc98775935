// SPDX-License-Identifier: Apache-2.0
/* links: otel/response.c */
/*
 * otel/response: whatever a collector, a proxy or something else on that port answers, messages
 * are valid UTF-8 of bounded length, a count of rejected items fits its type, and a wait is within
 * its limit. The first byte chooses the time of day that dates are held against.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "otel/response.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_message(const struct response *r)
{
	size_t n = strnlen(r->message, sizeof(r->message));

	CHECK(n < sizeof(r->message));
	CHECK(str_is_utf8((struct str){ r->message, n }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data + 1, n - 1 };
	u64 wait = 1, again = 2;
	struct response r;

	if (!n)
		return 0;
	memset(&r, 0xff, sizeof(r));
	response_success(&r, s);
	check_message(&r);
	CHECK(r.rejected <= INT64_MAX);
	memset(&r, 0xff, sizeof(r));
	response_failure(&r, s);
	check_message(&r);
	CHECK(!r.rejected);
	if (response_retry_after(s, data[0] * 20000000ull, &wait)) {
		CHECK(wait <= RETRY_AFTER_MAX_S * NSEC_PER_SEC);
		CHECK(wait % NSEC_PER_SEC == 0);
		/* Blanks around it say nothing. */
		CHECK(response_retry_after(str_trim(s), data[0] * 20000000ull, &again));
		CHECK(wait == again);
	} else {
		CHECK(wait == 1);
	}
	return 0;
}
