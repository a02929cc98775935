// SPDX-License-Identifier: Apache-2.0
/* links: src/node/host.c src/node/system.c src/node/read.c */
/* node/host: the node's names, from what it is told, its kernel and its os-release. */
#include "node_fixture.h"

#include <sys/utsname.h>

#include "node/host.h"

#define PID1 "proc/1/root"

static struct host h;

static void names(void **state)
{
	struct utsname u;

	(void)state;
	assert_int_equal(uname(&u), 0);
	host_read(&roots, NULL, &h);
	assert_string_equal(h.name, u.nodename);
	assert_string_equal(h.node, "");
	assert_string_equal(h.kernel, u.release);
	host_read(&roots, "", &h); /* as good as not set */
	assert_string_equal(h.name, u.nodename);
	assert_string_equal(h.node, "");
	host_read(&roots, "worker-3\xff", &h);
	assert_string_equal(h.name, "worker-3\xef\xbf\xbd");
	assert_string_equal(h.node, h.name);
}

static void os(void **state)
{
	(void)state;
	host_read(&roots, NULL, &h);
	assert_string_equal(h.os_name, "");
	assert_string_equal(h.os_version, "");
	assert_string_equal(h.os_description, "");
	node_file(PID1 "/etc/os-release",
		  "ID=talos\nVERSION_ID=v1.13.1\nPRETTY_NAME=\"Talos (v1.13.1)\"\n");
	host_read(&roots, NULL, &h);
	assert_string_equal(h.os_name, "talos");
	assert_string_equal(h.os_version, "v1.13.1");
	assert_string_equal(h.os_description, "Talos (v1.13.1)");
}

int main(void)
{
	const struct CMUnitTest tests[] = { NODE_TEST(names), NODE_TEST(os) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
