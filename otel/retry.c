// SPDX-License-Identifier: Apache-2.0
#include "otel/retry.h"

#include "base/random.h"

enum retry_verdict retry_judge(long status)
{
	switch (status) {
	case 0:
	case 429:
	case 502:
	case 503:
	case 504:
		return RETRY_AGAIN;
	default:
		return status >= 200 && status <= 299 ? RETRY_DONE : RETRY_NEVER;
	}
}

u64 retry_backoff_ns(u32 failures)
{
	u64 limit = RETRY_FIRST_NS;

	while (--failures && limit < RETRY_CAP_NS)
		limit *= 2;
	return random_below((limit < RETRY_CAP_NS ? limit : RETRY_CAP_NS) + 1);
}
