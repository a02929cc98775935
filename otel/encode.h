/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model → protobuf bytes of one message (Span, LogRecord, a data point, Resource ...), through
 * protobuf-c and the official .proto files. Message trees live in scratch memory allocated
 * once; no call allocates. Strings become valid UTF-8 without NUL (U+FFFD in their place),
 * values are cut to ATTR_VALUE_MAX; what does not fit into ENCODE_TEXT_MAX bytes of text is
 * left out and counted in dropped_attributes_count.
 */
#ifndef OTEL_ENCODE_H
#define OTEL_ENCODE_H

#include "otel/model.h"

/* Text of one item: keys and values. So an item is never over ENCODE_MAX bytes. */
#define ENCODE_TEXT_MAX (64u << 10)
#define ENCODE_MAX (128u << 10)
/* A body is for a person's eyes: as long as a log line of ours at most. */
#define ENCODE_BODY_MAX 4096u

struct encoder;

struct encoder *encoder_new(void);	/* NULL: out of memory */
void encoder_free(struct encoder *e);	/* NULL is fine */

/* The views are the encoder's: valid until its next call. */
struct str encode_span(struct encoder *e, const struct span *s);
struct str encode_note(struct encoder *e, const struct note *n);
/* NumberDataPoint or HistogramDataPoint, by the point's desc. */
struct str encode_point(struct encoder *e, const struct point *p);
struct str encode_resource(struct encoder *e, const struct attrs *attrs);
/* Names of ours, static and short: cut at ATTR_VALUE_MAX too. */
struct str encode_scope(struct encoder *e, const char *name, const char *version);
/* Metric without its data: name, description, unit. */
struct str encode_metric(struct encoder *e, const struct metric_desc *d);

#endif
