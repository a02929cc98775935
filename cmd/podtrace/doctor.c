/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: look at the node, try everything once, tell. */
#include <string.h>
#include "base/log.h"
#include "cmd/podtrace/doctor.h"
#include "version.h"

/* The programs decide whether anything works; the rest only whether all of it does. */
static void judge(struct doctor *d)
{
	size_t works = 0, full = 0;

	for (size_t i = 0; i < d->features_n; i++) {
		const struct doctor_feature *f = &d->features[i];

		full += !strcmp(f->state, "on");
		works += family_find(str_of(f->group)) >= 0 && strcmp(f->state, "off") != 0;
	}
	d->verdict = !works ? DOCTOR_NOTHING : full < d->features_n ? DOCTOR_SOME : DOCTOR_ALL;
	d->exit_code = !works ? EXIT_RUN : full < d->features_n ? EXIT_REDUCED : EXIT_OK;
}

static const char *value_of(const struct checkup *c, const char *name)
{
	for (size_t i = 0; i < c->report.facts_n; i++)
		if (!strcmp(c->report.facts[i].name, name))
			return c->report.facts[i].value;
	return "unknown";
}

static void prepare(struct checkup *c, const struct options *o)
{
	*c = (struct checkup){
		.o = o,
		.roots = roots_of(o),
		.report = { .version = PODTRACE_VERSION, .memory = o->memory },
	};
}

void doctor_brief(const struct options *o)
{
	static const char *const names[] = { "os_name",	      "kernel",	       "arch",
					     "btf",	      "lockdown",      "selinux",
					     "seccomp",	      "pid_namespace", "cgroup_version",
					     "cgroup_driver", "missing_mounts" };
	static struct checkup c;
	char text[LOG_TEXT_MAX];
	struct buf line;

	prepare(&c, o);
	doctor_facts(&c);
	buf_fixed(&line, text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = value_of(&c, names[i]);

		if (value[0])
			buf_printf(&line, "%s%s: %.80s", i ? ", " : "", names[i], value);
	}
	log_info("node", "%.*s; podtrace doctor tells more", (int)line.n, line.p);
}

static int print(const struct checkup *c)
{
	struct out out;

	out_init(&out);
	if (c->o->output == OUTPUT_JSON)
		doctor_json(&c->report, &out.buf);
	else
		doctor_text(&c->report, &out.buf);
	return out_say(&out);
}

int run_doctor(const struct options *o)
{
	static struct checkup c; /* large: not on the stack */
	int code;

	prepare(&c, o);
	doctor_facts(&c);
	code = doctor_probe(&c);
	if (code)
		return code;
	judge(&c.report);
	code = print(&c);
	return code ? code : c.report.exit_code;
}
