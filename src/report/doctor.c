/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errname.h"
#include "report/doctor.h"
#include "report/live.h"

#define TEXT_MAX      512
#define FACT_WIDTH    20
#define FEATURE_WIDTH 26
#define LIST_WIDTH    76 /* columns of a list's items */

static const char *const verdicts[] = {
	[DOCTOR_ALL] = "all",
	[DOCTOR_SOME] = "some",
	[DOCTOR_NOTHING] = "nothing",
};

static bool same(const char *a, const char *b)
{
	return str_eq(str_of(a), str_of(b));
}

static size_t count(const struct doctor *d, const char *state)
{
	size_t n = 0;

	for (size_t i = 0; i < d->features_n; i++)
		n += same(d->features[i].state, state);
	return n;
}

static u64 sum(const struct doctor *d, bool kernel)
{
	u64 bytes = 0;

	for (size_t i = 0; i < d->tables_n; i++)
		if (d->tables[i].kernel == kernel)
			bytes += d->tables[i].bytes;
	return bytes;
}

/* ---- for a person ------------------------------------------------------------------------- */

static void put_aside(struct buf *out, int width, const char *what, const char *text)
{
	if (!text[0])
		return;
	buf_printf(out, "  %*s %s", width, "", what);
	live_text(out, str_of(text), TEXT_MAX);
	buf_char(out, '\n');
}

/* Items of a list go on below each other's first. */
static void put_value(const struct doctor_fact *f, struct buf *out)
{
	struct str rest = str_of(f->value), item;
	size_t column = 0;

	if (!f->value[0] || !f->list) {
		live_text(out, str_of(f->value[0] ? f->value : "none"), TEXT_MAX);
		buf_char(out, '\n');
		return;
	}
	while (str_cut(&rest, ' ', &item)) {
		if (column && column + 1 + item.n > LIST_WIDTH) {
			buf_printf(out, "\n  %*s ", FACT_WIDTH, "");
			column = 0;
		}
		buf_cstr(out, column ? " " : "");
		live_text(out, item, TEXT_MAX);
		column += item.n + 1;
	}
	buf_char(out, '\n');
}

static void put_facts(const struct doctor *d, struct buf *out)
{
	buf_cstr(out, "\nnode\n");
	for (size_t i = 0; i < d->facts_n; i++) {
		const struct doctor_fact *f = &d->facts[i];

		buf_printf(out, "  %-*s ", FACT_WIDTH, f->name);
		put_value(f, out);
		put_aside(out, FACT_WIDTH, "  ", f->note);
		put_aside(out, FACT_WIDTH, "  to do: ", f->fix);
	}
}

/* Neighbours of one fate have one reason, said below the last of them. */
static bool shares_reason(const struct doctor *d, size_t i)
{
	const struct doctor_feature *f = &d->features[i], *next = f + 1;

	return i + 1 < d->features_n && same(f->state, next->state) &&
	       same(f->reason, next->reason) && same(f->fix, next->fix);
}

static void put_features(const struct doctor *d, struct buf *out)
{
	buf_printf(out, "\n%-*s %-8s %-12s %-10s %s\n", FEATURE_WIDTH + 2, "features", "state",
		   "by", "errno", "needs");
	for (size_t i = 0; i < d->features_n; i++) {
		const struct doctor_feature *f = &d->features[i];
		char name[64];
		struct buf b;

		buf_fixed(&b, name, sizeof(name));
		buf_printf(&b, "%s/%s", f->group, f->name);
		buf_printf(out, "  %-*.*s %-8s %-12s %-10s %s\n", FEATURE_WIDTH, (int)b.n, name,
			   f->state, f->rung[0] ? f->rung : "-", f->err ? errname(f->err) : "-",
			   f->needs[0] ? f->needs : "-");
		if (!f->rung[0])
			put_aside(out, FEATURE_WIDTH, "without it: ", f->without);
		if (shares_reason(d, i))
			continue;
		put_aside(out, FEATURE_WIDTH, same(f->state, "on") ? "but: " : "because: ", f->reason);
		put_aside(out, FEATURE_WIDTH, "to do: ", f->fix);
	}
}

static void put_bill(const struct doctor *d, struct buf *out, bool kernel)
{
	buf_printf(out, "\n%-*s %-18s %12s %12s\n", FEATURE_WIDTH + 2,
		   kernel ? "BPF maps, as billed now" : "own tables, at most", "type", "entries",
		   "bytes");
	for (size_t i = 0; i < d->tables_n; i++) {
		const struct doctor_table *t = &d->tables[i];

		if (t->kernel != kernel)
			continue;
		buf_printf(out, "  %-*s %-18s ", FEATURE_WIDTH, t->name, t->type);
		if (t->entries)
			buf_printf(out, "%12" PRI_U64, t->entries);
		else
			buf_printf(out, "%12s", "-");
		buf_printf(out, " %12" PRI_U64 "\n", t->bytes);
	}
	buf_printf(out, "  %-*s %-18s %12s %12" PRI_U64 "  (", FEATURE_WIDTH, "together", "", "",
		   sum(d, kernel));
	live_bytes(out, sum(d, kernel));
	buf_cstr(out, ")\n");
}

static void put_verdict(const struct doctor *d, struct buf *out)
{
	static const char *const words[] = {
		[DOCTOR_ALL] = "everything works here",
		[DOCTOR_SOME] = "podtrace works here, but not all of it",
		[DOCTOR_NOTHING] = "podtrace cannot watch anything here",
	};

	buf_printf(out, "\n%s: %zu on, %zu reduced, %zu off\n", words[d->verdict], count(d, "on"),
		   count(d, "reduced"), count(d, "off"));
}

void doctor_text(const struct doctor *d, struct buf *out)
{
	buf_printf(out, "podtrace %s\n", d->version);
	put_facts(d, out);
	put_features(d, out);
	if (d->memory) {
		put_bill(d, out, true);
		put_bill(d, out, false);
		if (d->tables_more)
			buf_printf(out, "  %zu more are not in these sums\n", d->tables_more);
	}
	put_verdict(d, out);
}

/* ---- for a machine ------------------------------------------------------------------------ */

static void json_str(struct buf *out, struct str s)
{
	buf_char(out, '"');
	buf_json_str(out, s);
	buf_char(out, '"');
}

static void json_text(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\":", key);
	json_str(out, str_of(value));
}

static void json_list(struct buf *out, struct str items)
{
	struct str item;
	bool first = true;

	buf_char(out, '[');
	while (str_cut(&items, ' ', &item)) {
		if (!item.n)
			continue;
		buf_cstr(out, first ? "" : ",");
		json_str(out, item);
		first = false;
	}
	buf_char(out, ']');
}

static void json_facts(const struct doctor *d, struct buf *out)
{
	buf_cstr(out, ",\"facts\":{");
	for (size_t i = 0; i < d->facts_n; i++) {
		const struct doctor_fact *f = &d->facts[i];

		buf_printf(out, "%s\"%s\":{\"value\":", i ? "," : "", f->name);
		if (f->list)
			json_list(out, str_of(f->value));
		else
			json_str(out, str_of(f->value));
		buf_char(out, ',');
		json_text(out, "note", f->note);
		buf_char(out, ',');
		json_text(out, "fix", f->fix);
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

static void json_features(const struct doctor *d, struct buf *out)
{
	buf_cstr(out, ",\"features\":[");
	for (size_t i = 0; i < d->features_n; i++) {
		const struct doctor_feature *f = &d->features[i];
		const struct {
			const char *key, *value;
		} texts[] = {
			{ "family", f->group }, { "feature", f->name },	 { "state", f->state },
			{ "rung", f->rung },	{ "reason", f->reason }, { "without", f->without },
			{ "fix", f->fix },
		};

		buf_cstr(out, i ? ",{" : "{");
		for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
			json_text(out, texts[t].key, texts[t].value);
			buf_char(out, ',');
		}
		buf_cstr(out, "\"needs\":");
		json_list(out, str_of(f->needs));
		buf_printf(out, ",\"errno\":%d,", f->err);
		json_text(out, "errno_name", f->err ? errname(f->err) : "");
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void json_bill(const struct doctor *d, struct buf *out, bool kernel)
{
	bool first = true;

	buf_printf(out, "\"%s\":{\"bytes\":%" PRI_U64 ",\"%s\":[", kernel ? "kernel" : "user",
		   sum(d, kernel), kernel ? "maps" : "tables");
	for (size_t i = 0; i < d->tables_n; i++) {
		const struct doctor_table *t = &d->tables[i];

		if (t->kernel != kernel)
			continue;
		buf_cstr(out, first ? "{" : ",{");
		json_text(out, "name", t->name);
		buf_char(out, ',');
		json_text(out, "type", t->type);
		buf_printf(out, ",\"entries\":%" PRI_U64 ",\"bytes\":%" PRI_U64 "}", t->entries,
			   t->bytes);
		first = false;
	}
	buf_cstr(out, "]}");
}

void doctor_json(const struct doctor *d, struct buf *out)
{
	buf_cstr(out, "{\"doctor\":{");
	json_text(out, "version", d->version);
	buf_char(out, ',');
	json_text(out, "verdict", verdicts[d->verdict]);
	buf_printf(out, ",\"exit_code\":%d,\"on\":%zu,\"reduced\":%zu,\"off\":%zu", d->exit_code,
		   count(d, "on"), count(d, "reduced"), count(d, "off"));
	json_facts(d, out);
	json_features(d, out);
	if (d->memory) {
		buf_cstr(out, ",\"memory\":{");
		json_bill(d, out, true);
		buf_char(out, ',');
		json_bill(d, out, false);
		buf_printf(out, ",\"more\":%zu}", d->tables_more);
	}
	buf_cstr(out, "}}\n");
}
