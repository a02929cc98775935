/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes the events whose cost is measured: each as alone as the kernel allows, many times
 * over, in a process of its own.
 */
#ifndef BENCH_TRIGGER_H
#define BENCH_TRIGGER_H

#define TRIGGER_FEATURES 3

struct trigger {
	const char *name;
	const char *family;
	const char *features[TRIGGER_FEATURES]; /* of the registry, or of the family call; their programs are measured */
	unsigned n;			/* events at a time, of each of them at least */
	void (*prepare)(unsigned n);	/* before the measurement; may be NULL */
	void (*fire)(unsigned n);
};

extern const struct trigger triggers[];
extern const unsigned triggers_n;

/* A file with functions that programs at libraries are at. */
int trigger_library(void);

/* This program was started by a trigger: it must end at once. */
#define TRIGGER_STARTED "started"

#endif
