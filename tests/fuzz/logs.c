// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/logs.c */
/* Any bytes as a name in the kubelet's log directories: what is taken makes the same name. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ask/logs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PART(s) (int)(s).n, (s).p

static void check_pod(struct str namespace, struct str pod)
{
	assert(namespace.n && namespace.n <= 63);
	assert(pod.n && pod.n <= POD_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str name = { (const char *)data, size }, pod, namespace, container, id, uid;
	char again[1024];

	if (logs_container_name(name, &pod, &namespace, &container, &id)) {
		check_pod(namespace, pod);
		assert(id.n == WHO_ID_MAX - 1);
		snprintf(again, sizeof(again), "%.*s_%.*s_%.*s-%.*s.log", PART(pod),
			 PART(namespace), PART(container), PART(id));
		assert(str_eq(name, str_of(again)));
	}
	if (logs_pod_name(name, &namespace, &pod, &uid)) {
		check_pod(namespace, pod);
		assert(uid.n == 32 || uid.n == WHO_UID_MAX - 1);
		snprintf(again, sizeof(again), "%.*s_%.*s_%.*s", PART(namespace), PART(pod),
			 PART(uid));
		assert(str_eq(name, str_of(again)));
	}
	return 0;
}
