/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics counted in the kernel: what a meter is called, and what its dimension means. */
#include "base/eainame.h"
#include "base/errname.h"
#include "otel/map/map.h"

/* Bounds in seconds, from those the kernel sorts by. */
#define BOUNDS(name, ...)                                                                  \
	static const u64 ns_##name[] = { __VA_ARGS__ };                                    \
	static double seconds_##name[ARRAY_SIZE(ns_##name)];
#include "../../bpf/wire/bounds.def"

static struct metric_desc descs[METER_END];

static void fill_bounds(void)
{
#define BOUNDS(name, ...)                                                                  \
	for (size_t i = 0; i < ARRAY_SIZE(ns_##name); i++)                                 \
		seconds_##name[i] = (double)ns_##name[i] / (double)NSEC_PER_SEC;
#include "../../bpf/wire/bounds.def"
}

static void fill(void)
{
	static const struct {
		const double *v;
		size_t n;
	} bounds[BOUNDS_COUNT] = {
#define BOUNDS(name, ...) [BOUNDS_##name] = { seconds_##name, ARRAY_SIZE(ns_##name) },
#include "../../bpf/wire/bounds.def"
	};
	static const char *const scopes[FAMILY_END] = {
#define FAMILY(family, text) [FAMILY_##family] = "podtrace/" #family,
#include "../../bpf/registry.def"
	};

	fill_bounds();
	for (size_t i = 1; i < METER_END; i++)
		descs[i] = (struct metric_desc){
			.scope = scopes[meters[i].family],
			.name = meters[i].name,
			.unit = meters[i].unit,
			.description = meters[i].text,
			.type = meters[i].type == METER_COUNTER ? METRIC_COUNTER : METRIC_HISTOGRAM,
			.bounds = bounds[meters[i].bounds].v,
			.bounds_n = bounds[meters[i].bounds].n,
		};
}

const struct metric_desc *map_meter(enum wire_meter meter)
{
	if (!descs[1].name)
		fill();
	return &descs[meter];
}

const struct metric_desc *map_figure(enum figure_id figure)
{
	static const struct metric_desc of[FIGURE_END] = {
#define FIGURE(figure, family, type_, name_, unit_, attr, text_)                                    \
	[FIGURE_##figure] = {                                                                      \
		.scope = "podtrace/" #family,                                                      \
		.name = name_,                                                                     \
		.unit = unit_,                                                                     \
		.description = text_,                                                              \
		.type = METRIC_##type_,                                                            \
	},
#include "figures.def"
	};

	return &of[figure];
}

static void put_role(struct attrs *ret, unsigned role)
{
	static const char *const names[] = { "unknown", "client", "server" };

	attr_str(ret, "podtrace.tcp.role", str_of(names[role < ARRAY_SIZE(names) ? role : 0]));
}

static void put_error(struct attrs *ret, int err)
{
	if (err)
		attr_str(ret, "error.type", str_of(errname(err)));
}

void map_dim(const struct meter_key *key, struct attrs *ret)
{
	static const char *const exits[] = { "ok", "error", "signal" };
	static const char *const segments[] = { "data", "syn", "synack" };

	switch (meters[key->meter].dim) {
	case DIM_NONE:
		break;
	case DIM_ERRNO:
		attr_str(ret, "error.type", str_of(errname(key->err)));
		break;
	case DIM_EXIT:
		attr_str(ret, "podtrace.process.exit.result", str_of(exits[key->dim % 3]));
		break;
	case DIM_CONNECT:
		put_role(ret, key->dim);
		put_error(ret, key->err);
		break;
	case DIM_ROLE:
		put_role(ret, key->dim);
		break;
	case DIM_ROLE_DIRECTION:
		put_role(ret, key->dim & 0xff);
		map_direction(ret, key->dim >> 8);
		break;
	case DIM_SEGMENT:
		attr_str(ret, "podtrace.tcp.segment", str_of(segments[key->dim % 3]));
		break;
	case DIM_DIRECTION:
		map_direction(ret, key->dim);
		put_error(ret, key->err);
		break;
	case DIM_STATE:
		attr_str(ret, "network.connection.state", str_of(map_tcp_state(key->dim)));
		break;
	case DIM_DNS_PACKET:
		map_direction(ret, key->dim & 1);
		map_dns_packet(ret, key->dim);
		break;
	case DIM_DNS_LOOKUP:
		map_dns_lookup(ret, key->dim);
		break;
	case DIM_DNS_ROLE:
		map_dns_role(ret, key->dim);
		break;
	case DIM_DNS_REASON:
		map_dns_discarded(ret, key->dim);
		break;
	case DIM_HTTP:
		map_http(ret, key->meter == METER_http_server_duration, key->dim, key->err);
		break;
	case DIM_HTTP_REASON:
		map_http_discarded(ret, key->dim);
		break;
	case DIM_SYSCALL:
		map_syscall(ret, key->dim, key->err);
		break;
	case DIM_EAI:
		if (key->dim)
			attr_str(ret, "error.type", str_of(eainame(key->dim)));
		break;
	case DIM_DB:
		map_db(ret, key->dim & 1, key->dim >> 1);
		break;
	case DIM_FILE:
		map_file_op(ret, key->dim, key->err);
		break;
	case DIM_FUTEX:
		map_futex(ret, key->dim, key->err);
		break;
	}
}
