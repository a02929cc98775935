/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel makes of BPF objects (traps.bpf.c):
 *
 *	traps OBJECT...
 *
 * Opens, loads and attaches each, does what fires its programs, and says on standard output, a line each, how far it
 * got. libbpf's own words are on standard error.
 *
 *	NAME: load -ERRNO	was refused
 *	NAME: attach -ERRNO	was loaded and cannot be attached
 *	NAME: silent		is attached and does not run
 *	NAME: misled VALUE	runs, and takes the branch that is not for this value
 *	NAME: hits		works
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <bpf/libbpf.h>

/* As in traps.bpf.c. */
struct told {
	unsigned long long hits, misled;
};

static int attach(struct bpf_object *o)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o)
		if (!bpf_program__attach(p))
			return -errno;
	return 0;
}

static void try(struct bpf_object *o)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(o, ".bss");
	int err = bpf_object__load(o);
	const struct told *told;
	size_t size;

	if (err) {
		printf("load %d\n", err);
		return;
	}
	err = attach(o);
	if (err) {
		printf("attach %d\n", err);
		return;
	}
	close(open("/dev/null", O_RDONLY));
	told = bpf_map__initial_value(map, &size);
	if (told->misled)
		printf("misled %llu\n", told->misled);
	else
		puts(told->hits ? "hits" : "silent");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct bpf_object *o = bpf_object__open(argv[i]);

		if (!o) {
			perror(argv[i]);
			return 1;
		}
		printf("%s: ", bpf_object__name(o));
		try(o);
	}
	return 0;
}
