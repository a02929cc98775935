// SPDX-License-Identifier: Apache-2.0
/* Targets: made from texts, and asked what they are like as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "select/target_internal.h"

#define VALUE_SHOWN 48 /* bytes of a wrong value that are shown */

int target_fail(struct target_parse *p, enum item_of of, struct str value, const char *fmt, ...)
{
	static const char *const options[] = {
		[OF_NAMESPACE] = "--namespace", [OF_POD] = "POD",
		[OF_CONTAINER] = "--container", [OF_ID] = "--container-id",
		[OF_SELECTOR] = "--selector",
	};
	va_list ap;

	buf_printf(&p->err, "%s: \"", options[of]);
	buf_json_str(&p->err, str_slice(value, 0, VALUE_SHOWN));
	buf_cstr(&p->err, value.n > VALUE_SHOWN ? "...\": " : "\": ");
	va_start(ap, fmt);
	buf_vprintf(&p->err, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int target_too_many(struct target_parse *p)
{
	buf_printf(&p->err,
		   "targets: more than %d names, ids, requirements and values together: write a "
		   "pattern (web-*) or fewer",
		   TARGET_ITEMS_MAX);
	return -E2BIG;
}

struct item *target_add(struct target_parse *p, enum item_of of)
{
	struct target *t = p->t;
	struct item *item;

	if (t->n == TARGET_ITEMS_MAX)
		return NULL;
	item = &t->items[t->n++];
	t->of[of].to = t->n;
	return item;
}

/* ---- parsing ------------------------------------------------------------------------------ */

static int parse_text(struct target_parse *p, enum item_of of, struct str text)
{
	struct str own = { p->t->text + p->text_n, text.n };

	if (!text.p)
		return 0;
	if (text.n)
		memcpy(p->t->text + p->text_n, text.p, text.n);
	p->text_n += text.n;
	return of == OF_SELECTOR ? target_parse_selector(p, own) : target_parse_items(p, of, own);
}

static int parse_all(struct target_parse *p, const struct target_text *text)
{
	const struct str *texts[OF_COUNT] = {
		[OF_NAMESPACE] = &text->namespaces,
		[OF_CONTAINER] = &text->containers,
		[OF_ID] = &text->container_ids,
		[OF_SELECTOR] = &text->selector,
	};
	int err = 0;

	for (enum item_of of = 0; of < OF_COUNT && !err; of++) {
		p->t->of[of] = (struct span){ p->t->n, p->t->n };
		if (texts[of])
			err = parse_text(p, of, *texts[of]);
		for (size_t i = 0; !texts[of] && i < text->pods_n && !err; i++)
			err = parse_text(p, of, text->pods[i]);
	}
	return err;
}

/* Bytes of all texts; *ret_given: whether there is any text, be it an empty one. */
static size_t text_bytes(const struct target_text *text, bool *ret_given)
{
	size_t n =
		text->namespaces.n + text->containers.n + text->container_ids.n + text->selector.n;

	*ret_given = text->namespaces.p || text->containers.p || text->container_ids.p ||
		     text->selector.p || text->pods_n;
	for (size_t i = 0; i < text->pods_n; i++)
		n += text->pods[i].n;
	return n;
}

int target_new(struct target **ret, const struct target_text *text, char *err, size_t err_cap)
{
	struct target_parse p = { .t = NULL };
	bool given;
	size_t n = text_bytes(text, &given);
	int r;

	buf_fixed(&p.err, err, err_cap);
	err[0] = '\0';
	if (!given) {
		*ret = NULL;
		return 0;
	}
	if (n > TARGET_TEXT_MAX) {
		buf_printf(&p.err,
			   "targets: %zu bytes of names and selectors: at most %u are allowed", n,
			   TARGET_TEXT_MAX);
		r = -E2BIG;
	} else {
		p.t = calloc(1, sizeof(*p.t) + n);
		r = p.t ? parse_all(&p, text) : -ENOMEM;
	}
	if (r < 0) {
		err[p.err.n] = '\0';
		free(p.t);
		return r;
	}
	*ret = p.t;
	return 0;
}

void target_free(struct target *t)
{
	free(t);
}

/* ---- what it is like ---------------------------------------------------------------------- */

static bool is_broad(const struct target *t, enum item_of of)
{
	bool named = false;

	for (size_t i = t->of[of].from; i < t->of[of].to; i++) {
		const struct item *item = &t->items[i];

		if (item->exclude)
			continue;
		/* Without "ns/" a pod's item is as broad as -n. */
		if (target_is_anything(item->name) &&
		    (of != OF_POD ||
		     (item->space.p ? target_is_anything(item->space) : is_broad(t, OF_NAMESPACE))))
			return true;
		named = true;
	}
	if (of == OF_POD && !named)
		return is_broad(t, OF_NAMESPACE);
	return !named;
}

static bool selector_is_broad(const struct target *t)
{
	const struct span of = t->of[OF_SELECTOR];

	for (size_t i = of.from; i < of.to; i += 1u + t->items[i].values) {
		if (t->items[i].op != LABEL_NOT_IN && t->items[i].op != LABEL_MISSING)
			return false;
	}
	return true;
}

bool target_is_broad(const struct target *t)
{
	/* Only ids. */
	if (t->of[OF_ID].to - t->of[OF_ID].from == t->n)
		return is_broad(t, OF_ID);
	return is_broad(t, OF_POD) && is_broad(t, OF_CONTAINER) && selector_is_broad(t);
}

bool target_needs_labels(const struct target *t)
{
	return t->of[OF_SELECTOR].from < t->of[OF_SELECTOR].to;
}
