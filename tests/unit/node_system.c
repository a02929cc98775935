// SPDX-License-Identifier: Apache-2.0
/* links: src/node/system.c src/node/read.c */
/* node/system: os-release of the systems podtrace is made for, of others, and of nobody. */
#include "node_fixture.h"

#include "node/system.h"

#define PID1 "proc/1/root"

static struct node_system s;

static const struct {
	const char *text, *system, *name;
} systems[] = {
	{ "NAME=\"Talos\"\nID=talos\nVERSION_ID=v1.13.1\nPRETTY_NAME=\"Talos (v1.13.1)\"\n"
	  "HOME_URL=\"https://www.talos.dev/\"\nVENDOR_NAME=\"Sidero Labs\"\n",
	  "talos", "Talos (v1.13.1)" },
	{ "NAME=\"Flatcar Container Linux by Kinvolk\"\nID=flatcar\nID_LIKE=coreos\n"
	  "VERSION=4459.2.0\nVERSION_ID=4459.2.0\nBUILD_ID=2025-10-14-2319\nSYSEXT_LEVEL=1.0\n"
	  "PRETTY_NAME=\"Flatcar Container Linux by Kinvolk 4459.2.0 (Oklo)\"\n"
	  "ANSI_COLOR=\"38;5;75\"\nFLATCAR_BOARD=\"amd64-usr\"\n",
	  "flatcar", "Flatcar Container Linux by Kinvolk 4459.2.0 (Oklo)" },
	{ "NAME=\"Red Hat Enterprise Linux CoreOS\"\nID=\"rhcos\"\nID_LIKE=\"rhel fedora\"\n"
	  "VERSION=\"418.94.202501221327-0\"\nVERSION_ID=\"4.18\"\nVARIANT=\"CoreOS\"\n"
	  "VARIANT_ID=coreos\nPLATFORM_ID=\"platform:el9\"\n"
	  "PRETTY_NAME=\"Red Hat Enterprise Linux CoreOS 418.94.202501221327-0\"\n"
	  "OPENSHIFT_VERSION=\"4.18\"\nRHEL_VERSION=9.4\n",
	  "rhcos", "Red Hat Enterprise Linux CoreOS 418.94.202501221327-0" },
	{ "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"9.6 (Plow)\"\nID=\"rhel\"\n"
	  "ID_LIKE=\"fedora\"\nVERSION_ID=\"9.6\"\nVARIANT=CoreOS\nVARIANT_ID=coreos\n"
	  "PRETTY_NAME=\"Red Hat Enterprise Linux CoreOS 9.6.20250826-1 (Plow)\"\n"
	  "OPENSHIFT_VERSION=\"4.20\"\n",
	  "rhcos", "Red Hat Enterprise Linux CoreOS 9.6.20250826-1 (Plow)" },
	{ "NAME=\"CentOS Stream CoreOS\"\nID=\"scos\"\nID_LIKE=\"rhel fedora\"\n"
	  "VERSION_ID=\"4.17\"\nVARIANT_ID=coreos\nPRETTY_NAME=\"CentOS Stream CoreOS 417.9\"\n",
	  "rhcos", "CentOS Stream CoreOS 417.9" },
	{ "NAME=Bottlerocket\nID=bottlerocket\nVERSION=\"1.42.0 (aws-k8s-1.33)\"\n"
	  "PRETTY_NAME=\"Bottlerocket OS 1.42.0 (aws-k8s-1.33)\"\nVARIANT_ID=aws-k8s-1.33\n"
	  "VERSION_ID=1.42.0\nBUILD_ID=1a2b3c4d\n",
	  "bottlerocket", "Bottlerocket OS 1.42.0 (aws-k8s-1.33)" },
	{ "NAME=\"Fedora Linux\"\nVERSION=\"42.20250803.3.0 (CoreOS)\"\nID=fedora\n"
	  "VERSION_ID=42\nPRETTY_NAME=\"Fedora CoreOS 42.20250803.3.0\"\nVARIANT=\"CoreOS\"\n"
	  "VARIANT_ID=coreos\nOSTREE_VERSION='42.20250803.3.0'\n",
	  "fedora-coreos", "Fedora CoreOS 42.20250803.3.0" },
	{ "NAME=\"openSUSE MicroOS\"\n# VERSION=\"20250812\"\nID=\"opensuse-microos\"\n"
	  "ID_LIKE=\"suse opensuse opensuse-tumbleweed microos\"\nVERSION_ID=\"20250812\"\n"
	  "PRETTY_NAME=\"openSUSE MicroOS\"\n",
	  "microos", "openSUSE MicroOS" },
	{ "NAME=\"SL-Micro\"\nVERSION=\"6.1\"\nID=\"sl-micro\"\nID_LIKE=\"suse\"\n"
	  "VERSION_ID=\"6.1\"\nPRETTY_NAME=\"SUSE Linux Micro 6.1\"\n",
	  "microos", "SUSE Linux Micro 6.1" },
	{ "NAME=\"Container-Optimized OS\"\nID=cos\nVERSION=121\nVERSION_ID=121\n"
	  "PRETTY_NAME=\"Container-Optimized OS from Google\"\nBUILD_ID=18867.199.38\n",
	  "cos", "Container-Optimized OS from Google" },
	/* not to be mistaken for one of those */
	{ "NAME=\"Fedora Linux\"\nID=fedora\nVERSION_ID=42\nVARIANT_ID=server\n"
	  "PRETTY_NAME=\"Fedora Linux 42 (Server Edition)\"\n",
	  "other", "Fedora Linux 42 (Server Edition)" },
	{ "NAME=\"Red Hat Enterprise Linux\"\nID=\"rhel\"\nVERSION_ID=\"9.6\"\n"
	  "PRETTY_NAME=\"Red Hat Enterprise Linux 9.6 (Plow)\"\n",
	  "other", "Red Hat Enterprise Linux 9.6 (Plow)" },
	{ "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\n"
	  "VERSION_ID=\"13\"\nID=debian\n",
	  "other", "Debian GNU/Linux 13 (trixie)" },
	{ "ID=openSUSE\nNAME=cosy\n", "other", "cosy" },
};

static void known_systems(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
		system_parse(str_of(systems[i].text), &s);
		assert_string_equal(system_name(s.system), systems[i].system);
		assert_string_equal(s.name, systems[i].name);
	}
}

/* os-release(5): quotes, backslashes, blanks, comments, the last assignment counts. */
static void grammar(void **state)
{
	(void)state;
	system_parse(STR("#ID=cos\n  ID = 'talos' \nVERSION_ID=\"a\\\"b\\$c\"\nNAME=x=y\n"
			 "junk\n=\nVARIANT_ID=\"open\nPRETTY_NAME="),
		     &s);
	assert_int_equal(s.system, SYSTEM_TALOS);
	assert_string_equal(s.version, "a\"b$c");
	assert_string_equal(s.variant, "\"open");
	assert_string_equal(s.name, "x=y");
	system_parse(STR("NAME=A\nVERSION=2\n"), &s);
	assert_string_equal(s.name, "A 2");
	system_parse(STR("ID=cos\nID=talos"), &s);
	assert_int_equal(s.system, SYSTEM_TALOS);
}

static void nothing_told(void **state)
{
	static const char *const texts[] = { "", "\n\n", "ID=", "ID=\"\"", "=", "\xff\xfe", "[x]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		system_parse(str_of(texts[i]), &s);
		assert_int_equal(s.system, SYSTEM_UNKNOWN);
		assert_string_equal(system_name(s.system), "unknown");
	}
}

static void bounded(void **state)
{
	static char text[20000];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), "ID=");
	memset(text + n, 'x', sizeof(text) - n - 1);
	system_parse(str_of(text), &s);
	assert_int_equal(strlen(s.id), sizeof(s.id) - 1);
	memcpy(text, "PRETTY_NAME=\"\\", 14);
	system_parse(str_of(text), &s);
	assert_int_equal(strlen(s.name), sizeof(s.name) - 1);
	/* of a file that long the first part counts */
	memcpy(text, "ID=cos\nA=", 9);
	node_file("root/etc/os-release", text);
	system_read(&roots, &s);
	assert_int_equal(s.system, SYSTEM_COS);
}

/* The node's before ours, etc before usr/lib. */
static void places(void **state)
{
	(void)state;
	system_read(&roots, &s);
	assert_int_equal(s.system, SYSTEM_UNKNOWN);
	node_file("root/usr/lib/os-release", "ID=debian\n");
	system_read(&roots, &s);
	assert_string_equal(s.id, "debian");
	node_file("root/etc/os-release", "ID=alpine\n");
	system_read(&roots, &s);
	assert_string_equal(s.id, "alpine");
	node_file(PID1 "/usr/lib/os-release", "ID=flatcar\n");
	system_read(&roots, &s);
	assert_int_equal(s.system, SYSTEM_FLATCAR);
	node_file(PID1 "/etc/os-release", "ID=talos\n");
	system_read(&roots, &s);
	assert_int_equal(s.system, SYSTEM_TALOS);
	node_file(PID1 "/etc/os-release", ""); /* says nothing: the next one */
	system_read(&roots, &s);
	assert_int_equal(s.system, SYSTEM_FLATCAR);
}

static void btf(void **state)
{
	(void)state;
	assert_string_equal(btf_name(btf_read(&roots, NULL, false)), "none");
	assert_string_equal(btf_name(btf_read(&roots, NULL, true)), "embedded");
	assert_string_equal(btf_name(btf_read(&roots, "/some/file", true)), "file");
	node_file("sys/kernel/btf/vmlinux", "");
	assert_string_equal(btf_name(btf_read(&roots, NULL, true)), "own");
	assert_string_equal(btf_name(btf_read(&roots, "/some/file", false)), "file");
	node_file("sys/file", "where a folder should be");
	node_name(node_dirs[1], "sys/file");
	assert_string_equal(btf_name(btf_read(&roots, NULL, false)), "unknown");
	assert_string_equal(btf_name(btf_read(&roots, NULL, true)), "embedded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(known_systems), NODE_TEST(grammar), NODE_TEST(nothing_told),
		NODE_TEST(bounded),	  NODE_TEST(places),  NODE_TEST(btf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
