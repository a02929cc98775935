// SPDX-License-Identifier: Apache-2.0
/*
 * Is it wanted? In three values (Kleene's): what is not known yet stays LATER unless the rest
 * decides alone. So an answer that is not LATER stays right whatever becomes known, as long as
 * no label becomes another.
 */
#include "base/parse.h"
#include "pod.h"
#include "select/target_internal.h"

static enum target_match both(enum target_match a, enum target_match b)
{
	if (a == TARGET_NO || b == TARGET_NO)
		return TARGET_NO;
	return a == TARGET_LATER || b == TARGET_LATER ? TARGET_LATER : TARGET_YES;
}

static enum target_match either(enum target_match a, enum target_match b)
{
	if (a == TARGET_YES || b == TARGET_YES)
		return TARGET_YES;
	return a == TARGET_LATER || b == TARGET_LATER ? TARGET_LATER : TARGET_NO;
}

static enum target_match opposite(enum target_match a)
{
	if (a == TARGET_LATER)
		return a;
	return a == TARGET_YES ? TARGET_NO : TARGET_YES;
}

static enum target_match known(bool yes)
{
	return yes ? TARGET_YES : TARGET_NO;
}

/* Goes back to the last star only: what an earlier one could take, the last one can, too. */
bool target_glob(struct str pattern, struct str name)
{
	size_t i = 0, k = 0, star = pattern.n, taken = 0;

	while (k < name.n) {
		if (i < pattern.n && pattern.p[i] == '*') {
			star = i++;
			taken = k;
		} else if (i < pattern.n && (pattern.p[i] == '?' || pattern.p[i] == name.p[k])) {
			i++;
			k++;
		} else if (star < pattern.n) {
			i = star + 1;
			k = ++taken;
		} else {
			return false;
		}
	}
	while (i < pattern.n && pattern.p[i] == '*')
		i++;
	return i == pattern.n;
}

/* Nothing in Kubernetes has an empty name: it is not known. */
static enum target_match matches(struct str pattern, struct str name)
{
	return name.n ? known(target_glob(pattern, name)) : TARGET_LATER;
}

/* ---- the options -------------------------------------------------------------------------- */

struct names {
	struct str space, pod;
};

static struct names names_of(const struct who *who)
{
	struct names n = { { NULL, 0 }, { NULL, 0 } };

	if (who->pod)
		n = (struct names){ who->pod->namespace, who->pod->name };
	if (who->container && !n.space.n)
		n.space = who->container->pod_namespace;
	if (who->container && !n.pod.n)
		n.pod = who->container->pod_name;
	return n;
}

/* A list of alternatives without those that are excluded; none named: all are. */
static enum target_match in_list(const struct target *t, enum item_of of, struct str name)
{
	enum target_match wanted = TARGET_NO, unwanted = TARGET_NO;
	bool named = false;

	for (size_t i = t->of[of].from; i < t->of[of].to; i++) {
		const struct item *item = &t->items[i];
		enum target_match m = matches(item->name, name);

		named |= !item->exclude;
		if (item->exclude)
			unwanted = either(unwanted, m);
		else
			wanted = either(wanted, m);
	}
	return both(named ? wanted : TARGET_YES, opposite(unwanted));
}

/* -n and POD together: "ns/" in an item stands in the place of -n. */
static enum target_match in_pods(const struct target *t, struct names n)
{
	enum target_match wanted = TARGET_NO, unwanted = TARGET_NO;
	enum target_match space = in_list(t, OF_NAMESPACE, n.space);
	bool named = false;

	for (size_t i = t->of[OF_POD].from; i < t->of[OF_POD].to; i++) {
		const struct item *item = &t->items[i];
		enum target_match m = matches(item->name, n.pod);

		if (item->space.p)
			m = both(m, matches(item->space, n.space));
		else if (!item->exclude)
			m = both(m, space);
		named |= !item->exclude;
		if (item->exclude)
			unwanted = either(unwanted, m);
		else
			wanted = either(wanted, m);
	}
	return both(named ? wanted : space, opposite(unwanted));
}

static enum target_match in_containers(const struct target *t, const struct who *who)
{
	const struct span of = t->of[OF_CONTAINER];
	bool named = false;

	for (size_t i = of.from; i < of.to; i++)
		named |= !t->items[i].exclude;
	if (of.from == of.to)
		return TARGET_YES;
	/* The pod itself is no container, and has no name to be left out by. */
	if (who->kind == WHO_POD || (who->container && who->container->sandbox))
		return known(!named);
	return in_list(t, OF_CONTAINER,
		       who->container ? who->container->name : (struct str){ NULL, 0 });
}

static bool has_value(const struct item *requirement, struct str value)
{
	for (size_t i = 1; i <= requirement->values; i++) {
		if (str_eq(requirement[i].name, value))
			return true;
	}
	return false;
}

/* As kubectl: != and notin hold without the key, too; what is no number is neither more nor
 * less. */
static enum target_match holds(const struct item *requirement, const struct pod *pod)
{
	struct str value;
	bool has;
	s64 number;

	/* The kubelet's log directory tells no labels. */
	if (!pod || pod->source == NAME_FROM_LOGS)
		return TARGET_LATER;
	value = label_get(pod->labels, pod->labels_n, requirement->name);
	has = value.p;
	/* There were more labels than are kept: it may have been among them. */
	if (!has && pod->cut && pod->labels_n == POD_LABELS_MAX)
		return TARGET_LATER;
	switch (requirement->op) {
	case LABEL_IN:
		return known(has && has_value(requirement, value));
	case LABEL_NOT_IN:
		return known(!has || !has_value(requirement, value));
	case LABEL_EXISTS:
		return known(has);
	case LABEL_MISSING:
		return known(!has);
	case LABEL_ABOVE:
	case LABEL_BELOW:
		break;
	}
	if (!has || parse_s64(value, INT64_MIN, INT64_MAX, &number) < 0)
		return TARGET_NO;
	return known(requirement->op == LABEL_ABOVE ? number > requirement->number
						    : number < requirement->number);
}

static enum target_match in_selector(const struct target *t, const struct pod *pod)
{
	const struct span of = t->of[OF_SELECTOR];
	enum target_match m = TARGET_YES;

	for (size_t i = of.from; i < of.to; i += 1u + t->items[i].values)
		m = both(m, holds(&t->items[i], pod));
	return m;
}

static bool has_id(const struct item *item, const struct who *who)
{
	return str_starts(str_ofn(who->container_id, sizeof(who->container_id)), item->name);
}

static bool can_be(const struct who *who)
{
	return who->kind == WHO_CONTAINER || who->kind == WHO_POD;
}

enum target_match target_match(const struct target *t, const struct who *who, bool more)
{
	bool named = false, wanted = false;
	enum target_match m;
	size_t ids = 0;

	if (!can_be(who))
		return TARGET_NO;
	for (size_t i = t->of[OF_ID].from; i < t->of[OF_ID].to; i++, ids++) {
		bool is = has_id(&t->items[i], who);

		if (is && t->items[i].exclude)
			return TARGET_NO;
		wanted |= is;
		named |= !t->items[i].exclude;
	}
	if (wanted)
		return TARGET_YES;
	if (ids == t->n) /* no other option: only those named, or all that are not excluded */
		return known(!named);
	m = both(in_pods(t, names_of(who)), both(in_containers(t, who), in_selector(t, who->pod)));
	return m == TARGET_LATER && !more ? TARGET_NO : m;
}

/* ---- one by one --------------------------------------------------------------------------- */

/* The i-th item that stands for one pod or container alone, pods first. */
static const struct item *named_item(const struct target *t, size_t i, enum item_of *ret_of)
{
	static const enum item_of order[] = { OF_POD, OF_ID };

	for (size_t o = 0; o < ARRAY_SIZE(order); o++) {
		*ret_of = order[o];
		for (size_t k = t->of[order[o]].from; k < t->of[order[o]].to; k++) {
			const struct item *item = &t->items[k];

			if (item->exclude || target_is_pattern(item->name) ||
			    target_is_pattern(item->space))
				continue;
			if (i-- == 0)
				return item;
		}
	}
	return NULL;
}

bool target_named(const struct target *t, size_t i, struct str *ret)
{
	enum item_of of;
	const struct item *item = named_item(t, i, &of);

	if (!item)
		return false;
	*ret = item->name;
	if (item->space.p) /* both are views of one text, with the slash between */
		*ret = (struct str){ item->space.p, item->space.n + 1 + item->name.n };
	return true;
}

bool target_names(const struct target *t, size_t i, const struct who *who)
{
	enum item_of of;
	const struct item *item = named_item(t, i, &of);
	struct names n = names_of(who);

	if (!item || !can_be(who))
		return false;
	if (of == OF_ID)
		return has_id(item, who);
	return matches(item->name, n.pod) == TARGET_YES &&
	       (item->space.p ? matches(item->space, n.space)
			      : in_list(t, OF_NAMESPACE, n.space)) == TARGET_YES;
}
