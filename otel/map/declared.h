/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process declares of itself in OTEL_RESOURCE_ATTRIBUTES: key=value pairs behind commas,
 * percent-encoded (OpenTelemetry specification, resource SDK, "Specifying resource information
 * via an environment variable"). As SDKs read it: blanks around keys and values and empty items
 * do not count, the last of two values counts, and one error makes the whole list void.
 * The bytes are foreign.
 */
#ifndef OTEL_MAP_DECLARED_H
#define OTEL_MAP_DECLARED_H

#include "pod.h"

#define DECLARED_MAX	   64	/* pairs; more are counted in left_out */
#define DECLARED_BYTES_MAX 4096 /* of the list; a longer one is malformed */

struct declared {
	bool malformed; /* not of that form: nothing is taken */
	size_t n, left_out;
	struct label v[DECLARED_MAX]; /* keys are once, not empty, and NUL follows them */
	char room[DECLARED_BYTES_MAX];
	size_t room_n;
};

/* text may be the NULL view: nothing declared. ret must not move: its views are of its room. */
void declared_parse(struct str text, struct declared *ret);

#endif
