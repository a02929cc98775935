/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources: the observed container, service or node, and ourselves. service.name is what
 * the path of a cgroup can tell; what the runtime and the API server know comes on top.
 */
#include <stdio.h>
#include "otel/map/map.h"

static void put_host(struct attrs *ret, const struct host *host)
{
	attr_str(ret, "host.name", str_of(host->name));
	if (host->id[0])
		attr_str(ret, "host.id", str_of(host->id));
	if (host->arch[0])
		attr_str(ret, "host.arch", str_of(host->arch));
	attr_str(ret, "os.type", STR("linux"));
}

void map_who(const struct who *who, const struct host *host, struct attrs *ret)
{
	ret->n = ret->dropped = 0;
	attr_str(ret, "service.name",
		 who->unit[0] ? str_of(who->unit) : STR("unknown_service"));
	if (who->container_id[0])
		attr_str(ret, "service.instance.id", str_of(who->container_id));
	if (who->kind == WHO_CONTAINER && who->container_id[0])
		attr_str(ret, "container.id", str_of(who->container_id));
	if (who->pod_uid[0])
		attr_str(ret, "k8s.pod.uid", str_of(who->pod_uid));
	if (who->runtime[0])
		attr_str(ret, "container.runtime.name", str_of(who->runtime));
	if (who->qos[0])
		attr_str(ret, "podtrace.k8s.pod.qos_class", str_of(who->qos));
	if (who->kind == WHO_UNKNOWN)
		attr_str(ret, "podtrace.who", STR("unknown"));
	put_host(ret, host);
}

void map_self(const struct host *host, const char *name, const char *version, struct attrs *ret)
{
	ret->n = ret->dropped = 0;
	attr_str(ret, "service.name", name ? str_of(name) : STR("podtrace"));
	attr_str(ret, "service.version", str_of(version));
	attr_str(ret, "service.instance.id", str_of(host->name));
	attr_str(ret, "telemetry.sdk.name", STR("podtrace"));
	attr_str(ret, "telemetry.sdk.language", STR("c"));
	attr_str(ret, "telemetry.sdk.version", str_of(version));
	put_host(ret, host);
}
