/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What items refer to by number: resources, scopes, metric descriptions. Each is encoded once,
 * with its tag and length, ready to be put into a request. Resources are counted while queued
 * items refer to them; scopes and descriptions are static tables of the program and stay.
 */
#ifndef OTEL_BOOK_H
#define OTEL_BOOK_H

#include "otel/encode.h"

/* The kind of data field a Metric has, and what stands in it after the points. */
struct book_metric {
	struct str head;	/* name, description, unit fields */
	struct str tail;	/* aggregation_temporality, is_monotonic fields */
	u8 tag;			/* of the data field: gauge, sum, histogram */
};

struct book;

struct book *book_new(const char *version);	/* NULL: out of memory */
void book_free(struct book *b);			/* NULL is fine */

/* bytes: the encoded Resource message, copied. The number, -ENOSPC or -ENOMEM. */
int book_resource(struct book *b, struct str bytes);
bool book_resource_known(const struct book *b, int resource);
void book_resource_drop(struct book *b, int resource);

/*
 * One more queued item refers to the resource: its slot for book_unref, the pieces below and
 * the item's key; -ENOENT when it is not known.
 */
int book_ref(struct book *b, int resource);
void book_ref_slot(struct book *b, int slot);	/* one more of a slot that is referred to */
void book_unref(struct book *b, int slot);

/* Slots, < OTEL_SCOPES_MAX and < OTEL_DESCS_MAX; -ENOSPC when there are too many, -ENOMEM. */
int book_scope(struct book *b, struct encoder *e, const char *name);
int book_desc(struct book *b, struct encoder *e, const struct metric_desc *d);

/* The resource or scope field (tag 1, length, message). */
struct str book_resource_field(const struct book *b, u32 slot);
struct str book_scope_field(const struct book *b, u32 slot);
const struct book_metric *book_metric(const struct book *b, u32 slot);

/* Is this (resource, scope) new since book_mark_reset? For the size of a request. */
void book_mark_reset(struct book *b);
bool book_mark_resource(struct book *b, u32 slot);
bool book_mark_scope(struct book *b, u32 slot, u32 scope);

#endif
