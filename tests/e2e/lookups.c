/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of getaddrinfo whose number and results are known, without a name server: linked dynamically, so
 * that they go through whatever C library the loader finds.
 *
 *	lookups N THREADS WAIT [DIR]
 *
 * moves into the cgroup DIR, waits for WAIT milliseconds or, if that is "line", for a line on standard input, and then makes
 * N turns in each thread. A turn is what TURN says. Exit code 0 if each call gave what it should. N 0: it calls none.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef EAI_ADDRFAMILY
#define EAI_ADDRFAMILY -9
#endif

static char too_long[300];

static const struct {
	const char *name;
	int flags, family, result;
} TURN[] = {
	{ "127.0.0.1", 0, AF_UNSPEC, 0 },
	{ "::1", AI_NUMERICHOST, AF_INET6, 0 },
	{ "name.invalid", AI_NUMERICHOST, AF_INET, EAI_NONAME },
	{ "caf\xc3\xa9 \xff.invalid", AI_NUMERICHOST, AF_UNSPEC, EAI_NONAME },
	{ "flags.invalid", 0x40000000, AF_UNSPEC, EAI_BADFLAGS },
	{ "family.invalid", 0, AF_UNIX, EAI_FAMILY },
	{ too_long, AI_NUMERICHOST, AF_UNSPEC, EAI_NONAME },
	{ NULL, 0, AF_UNSPEC, EAI_NONAME },
};

static int turns, wrong;

static void *work(void *arg)
{
	(void)arg;
	for (int i = 0; i < turns; i++) {
		for (size_t k = 0; k < sizeof(TURN) / sizeof(*TURN); k++) {
			struct addrinfo hints = { .ai_flags = TURN[k].flags, .ai_family = TURN[k].family }, *found;
			int result = getaddrinfo(TURN[k].name, NULL, &hints, &found);

			if (!result)
				freeaddrinfo(found);
			if (result != TURN[k].result) {
				fprintf(stderr, "lookups: %s gave %d\n", TURN[k].name, result);
				wrong = 1;
			}
		}
	}
	return NULL;
}

static void move(const char *dir)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "w");
	if (!f || fputs("0", f) < 0 || fclose(f)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[100];
	int threads;

	if (argc < 4)
		return 2;
	turns = atoi(argv[1]);
	threads = atoi(argv[2]);
	memset(too_long, 'x', sizeof(too_long) - 1);
	if (argc > 4)
		move(argv[4]);
	if (strcmp(argv[3], "line"))
		usleep((unsigned)atoi(argv[3]) * 1000);
	else
		getchar();
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return wrong;
}
