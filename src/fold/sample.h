/* SPDX-License-Identifier: Apache-2.0 */
/* Which spans to keep: the samplers of the OpenTelemetry SDK specification that make sense
 * for roots (ours have no parents yet, so parentbased_x decides as x). */
#ifndef FOLD_SAMPLE_H
#define FOLD_SAMPLE_H

#include "base/types.h"

struct sampling {
	double ratio; /* 0: none, 1: all */
};

/* By the id alone, so that all agents decide alike: the last 7 bytes of the trace id,
 * taken as a number, must lie below ratio (specification, TraceIdRatioBased). */
bool sample_keep(const struct sampling *s, const u8 trace_id[static 16]);

#endif
