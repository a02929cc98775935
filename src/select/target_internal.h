/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of target share with each other, and with nobody else. */
#ifndef SELECT_TARGET_INTERNAL_H
#define SELECT_TARGET_INTERNAL_H

#include "base/buf.h"
#include "select/target.h"

enum item_of { OF_NAMESPACE, OF_POD, OF_CONTAINER, OF_ID, OF_SELECTOR, OF_COUNT };

enum label_op { LABEL_IN, LABEL_NOT_IN, LABEL_EXISTS, LABEL_MISSING, LABEL_ABOVE, LABEL_BELOW };

/* One of a list; or of a selector a requirement, behind which its values follow as items. All
 * views are of the target's own text. */
struct item {
	struct str name;	/* a name or pattern, an id in lower case, a label's key or value */
	struct str space;	/* of "ns/pod": ns; NULL view: none written */
	bool exclude;		/* "!" stands before it */
	enum label_op op;	/* of a requirement */
	u16 values;		/* items that follow and are its own */
	s64 number;		/* of LABEL_ABOVE and LABEL_BELOW */
};

struct target {
	struct span {
		u16 from, to;
	} of[OF_COUNT];
	u16 n;
	struct item items[TARGET_ITEMS_MAX];
	char text[];
};

struct target_parse {
	struct target *t;
	size_t text_n;		/* of t->text, used */
	struct buf err;
};

/* A sentence into err: "OPTION: "VALUE": WHY"; returns -EINVAL. */
int target_fail(struct target_parse *p, enum item_of of, struct str value, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The next free item, zeroed, counted to `of`; NULL when all are used. */
struct item *target_add(struct target_parse *p, enum item_of of);
int target_too_many(struct target_parse *p);	/* says so; -E2BIG */

/* Both take text that lies in t->text: 0, -EINVAL or -E2BIG with a sentence. */
int target_parse_items(struct target_parse *p, enum item_of of, struct str text);
int target_parse_selector(struct target_parse *p, struct str text);

/* The first thing wrong with a name as RFC 1123 and Kubernetes want them, as a sentence's end, or
 * NULL. dots: a subdomain, else a label. wild: * and ? stand for what they match. */
const char *target_name_wrong(struct str name, size_t max, bool dots, bool wild);

bool target_is_pattern(struct str name);
bool target_is_anything(struct str name);	/* a pattern that every name matches */
/* * any bytes, none too; ? one byte. At most pattern.n * name.n steps. */
bool target_glob(struct str pattern, struct str name);

#endif
