/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of bytes somebody else owns: pointer and length, not NUL-terminated, may hold
 * any byte. A view is valid as long as its owner says; who keeps one longer, copies it.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/types.h"

struct str {
	const char *p;	/* may be NULL only when n is 0 */
	size_t n;	/* bytes */
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })

/* View of a C string; NULL gives the empty view. */
struct str str_of(const char *s);
/* View of a fixed char array that is NUL-terminated only when shorter than cap. */
struct str str_ofn(const char *s, size_t cap);

bool str_eq(struct str a, struct str b);
bool str_eqi(struct str a, struct str b);		/* ASCII, case ignored */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);			/* ASCII blanks, both ends */
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to s */

/*
 * Cut *rest at the first sep: what is before goes to *ret_part, *rest keeps what is after.
 * Returns false when *rest was used up (its p is then NULL). "a,,b" gives a, "", b; "" gives
 * one empty part, a NULL view none.
 */
bool str_cut(struct str *rest, char sep, struct str *ret_part);

/* Index of the first c, or s.n. */
size_t str_find(struct str s, char c);

/*
 * Copy s into dst (cap bytes, NUL included) and terminate it; what does not fit is cut.
 * Returns the number of bytes written without the NUL. cap must be > 0.
 */
size_t str_copy(char *dst, size_t cap, struct str s);

/*
 * Like str_copy, but the result is valid UTF-8: each byte that starts no well-formed
 * sequence (Unicode 15, table 3-7) becomes U+FFFD, and a cut falls between characters.
 * OTLP strings must be UTF-8; names from the kernel are bytes. *ret_fixed (may be NULL)
 * is set to whether anything was replaced or cut.
 */
size_t str_copy_utf8(char *dst, size_t cap, struct str s, bool *ret_fixed);
bool str_is_utf8(struct str s);

/* Bytes of the well-formed UTF-8 sequence that s starts with, 1..4; 0 if it starts with none
 * (or s is empty). The building step of the two above, for writers that escape. */
size_t str_utf8_len(struct str s);
#define STR_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* FNV-1a, 64 bits. Not for keys an attacker can choose: tables use table.h's own hash. */
u64 str_hash(struct str s);

#endif
