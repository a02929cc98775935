/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the golden tests of the kinds share: the records of tests/kind/<kind>/record.hex and
 * the one world they happen in, in which clocks, names and cgroups never change.
 */
#ifndef TESTS_KIND_KIND_H
#define TESTS_KIND_KIND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "kinds.h"
#include "pipe.h"

#define KIND_DIR "tests/kind"		 /* tests run in the root of the tree */
#define CORPUS_DIR "tests/fuzz/corpus"
#define GOLDEN_MAX (64u << 10)		 /* bytes of a golden file */

#define WORLD_START_NS 5000000000000ull	 /* boot time at which we began to look */
/* 5000.123456789 s after boot are 2026-11-21T10:56:00.123456789Z */
#define WORLD_WALL_OFFSET_NS 1795253560000000000ll

struct golden {
	u8 bytes[REC_SIZE_MAX];
	size_t n;
};

/* tests/kind/<kind>/record.hex as bytes; fails the test if there is none or it is no hex. */
void golden_load(const char *kind, struct golden *ret);

/* A file as a whole, or "" if it is not there. false: not there. */
bool file_load(const char *path, struct buf *ret);
void file_save(const char *path, struct str text);

/* A pipe's configuration in this world, without exporter and view. */
struct pipe_config world_config(void);

/* refuse.c: what must not be decoded, made from the golden of kinds[*state]. */
void refuse_truncated(void **state);
void refuse_head(void **state);
void refuse_texts(void **state);
void refuse_values(void **state);

/* corpus.c: the goldens as seeds of the fuzzers. */
void corpus_write(void);

#endif
