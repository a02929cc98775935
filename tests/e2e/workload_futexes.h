/* SPDX-License-Identifier: Apache-2.0 */
/* The workload's part about futexes: what test_lock.py and tests/vm/test_lock.py count. */
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static long futex(unsigned *word, int op, unsigned value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Shared with children: threads would wait for each other when they begin and end, which is of the library. */
static unsigned *shared_word(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return page;
}

/* Only who sleeps is woken, so each of n has been asleep. */
static void wake(unsigned *word, int n)
{
	while (n) {
		n -= (int)MUST(futex(word, FUTEX_WAKE, INT_MAX, NULL));
		usleep(100);
	}
}

static pid_t waiter(unsigned *word, int n)
{
	pid_t pid = MUST(fork());

	if (pid)
		return pid;
	while (n--)
		if (futex(word, FUTEX_WAIT, 0, NULL))
			_exit(1);
	_exit(0);
}

static void all_ended(int n)
{
	int status;

	while (n--)
		if (MUST(wait(&status)) && status)
			die("a child ended with %d", status);
}

/* A wait that is woken, one that is not needed, two that time out, a lock taken, taken again, given back. */
static void futexes(int n)
{
	const struct timespec short_time = { .tv_nsec = 1000 }, past = { 0 };
	unsigned *word = shared_word(), lock = 0;

	waiter(word, n);
	for (int i = 0; i < n; i++) {
		wake(word, 1);
		fails(futex(word, FUTEX_WAIT, 1, NULL), EAGAIN);
		fails(futex(word, FUTEX_WAIT_PRIVATE, 0, &short_time), ETIMEDOUT);
		fails(futex(word, FUTEX_WAIT_BITSET, 0, &past), ETIMEDOUT);
		is(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL), 0);
		fails(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL), EDEADLK);
		is(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL), 0);
	}
	all_ended(1);
}

/* n that wait for one. */
static void herd(int n)
{
	unsigned *word = shared_word();

	for (int i = 0; i < n; i++)
		waiter(word, 1);
	wake(word, n);
	all_ended(n);
}
