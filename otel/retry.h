/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an attempt is made again (opentelemetry-proto docs/specification.md, OTLP/HTTP
 * Response and Connection): 429, 502, 503, 504, and everything that kept us from getting a
 * status. Nothing else, redirects included: sent again it would fail again.
 */
#ifndef OTEL_RETRY_H
#define OTEL_RETRY_H

#include "base/types.h"

#define RETRY_FIRST_NS (1 * NSEC_PER_SEC)
#define RETRY_CAP_NS (30 * NSEC_PER_SEC)

enum retry_verdict { RETRY_DONE, RETRY_AGAIN, RETRY_NEVER };

/* status: of HTTP, 0 when none came (connect, TLS, reset, timeout, end of file). */
enum retry_verdict retry_judge(long status);

/* Full jitter: uniform in 0..min(cap, first * 2^(failures-1)), failures in a row >= 1. So
 * agents that failed together do not come back together. */
u64 retry_backoff_ns(u32 failures);

#endif
