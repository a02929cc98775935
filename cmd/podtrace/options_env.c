// SPDX-License-Identifier: Apache-2.0
/* The environment: our variables, OpenTelemetry's, and those that only look like ours. */
#include "cmd/podtrace/options_internal.h"

static const struct str prefix = { "PODTRACE_", 9 };

/* The value of the variable, or a NULL view; the first of two of that name, as getenv. */
static struct str variable(char *const *env, const char *name)
{
	for (; *env; env++) {
		struct str value = str_of(*env), got;

		str_cut(&value, '=', &got);
		if (value.p && str_eq(got, str_of(name)))
			return value;
	}
	return (struct str){ NULL, 0 };
}

/*
 * What the kubelet sets in every container for a Service called podtrace or podtrace-x
 * (Kubernetes documentation, "Accessing the Service", environment variables):
 * PODTRACE_X_SERVICE_HOST, _SERVICE_PORT, _SERVICE_PORT_<NAME>, _PORT, _PORT_<NUMBER>_...
 * Without the service links being looked at by name, they would each cost a warning.
 */
static bool is_service_link(struct str name, struct str value)
{
	struct str rest = str_slice(name, prefix.n - 1, name.n); /* keeps the underscore */

	if (str_eq(rest, STR("_PORT")) || str_starts(rest, STR("_PORT_")) ||
	    str_ends(rest, STR("_SERVICE_HOST")))
		return true;
	if (str_ends(rest, STR("_PORT")) &&
	    (str_starts(value, STR("tcp://")) || str_starts(value, STR("udp://")) ||
	     str_starts(value, STR("sctp://"))))
		return true;
	for (; rest.n; rest = str_slice(rest, 1, rest.n)) {
		if (str_starts(rest, STR("_SERVICE_PORT")))
			return true;
		if (str_starts(rest, STR("_PORT_")) && rest.n > 6 && rest.p[6] >= '0' &&
		    rest.p[6] <= '9')
			return true;
	}
	return false;
}

static bool is_known(struct str name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].env && str_eq(name, str_of(option_rows[i].env)))
			return true;
	}
	return false;
}

static void warn_unknown(struct parser *p, char *const *env)
{
	for (; *env; env++) {
		struct str value = str_of(*env), name;
		struct quoted q;
		const char *near;

		str_cut(&value, '=', &name);
		if (!str_starts(name, prefix) || is_known(name) || is_service_link(name, value))
			continue;
		q = option_quote(name);
		near = near_variable(name);
		if (near)
			parser_warn(p, "%s: unknown variable, ignoring it: did you mean %s?",
				    q.text, near);
		else
			parser_warn(p, "%s: unknown variable, ignoring it", q.text);
	}
}

int parser_environment(struct parser *p, char *const *env)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		struct str value;

		if (!row->env || !parser_takes(p, row) || p->o->source[i] == FROM_FLAG)
			continue;
		value = variable(env, row->env);
		if (value.n) {
			const struct origin from = { "", str_of(row->env), FROM_ENV };

			int err = parser_set(p, row, &from, value);

			if (err)
				return err;
		}
	}
	warn_unknown(p, env);
	return 0;
}
