/* SPDX-License-Identifier: Apache-2.0 */
/* The workload's part about files: what test_file.py and tests/vm/test_file.py count. */
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void moved(ssize_t n, ssize_t want)
{
	if (n != want)
		die("a call moved %zd bytes, not %zd", n, want);
}

/* Written: 1 + 2 + 3 + 4 + 5 bytes. Read: the same, and at the end nothing. */
static void in_and_out(int fd)
{
	char room[16] = "0123456789abcde";
	struct iovec two[] = { { room, 1 }, { room + 1, 2 } }, other[] = { { room, 2 }, { room + 2, 3 } };

	moved(write(fd, room, 1), 1);
	moved(pwrite(fd, room, 2, 1), 2);
	lseek(fd, 3, SEEK_SET);
	moved(writev(fd, two, 2), 3);
	moved(pwritev(fd, (struct iovec[]){ { room, 4 } }, 1, 6), 4);
	moved(pwritev2(fd, other, 2, 10, 0), 5);
	lseek(fd, 0, SEEK_SET);
	moved(read(fd, room, 1), 1);
	moved(pread(fd, room, 2, 1), 2);
	moved(readv(fd, two, 2), 3);
	moved(preadv(fd, (struct iovec[]){ { room, 4 } }, 1, 6), 4);
	moved(preadv2(fd, other, 2, 10, 0), 5);
	moved(pread(fd, room, 1, 15), 0);
}

/* From file to file 6 + 7 bytes, from the file elsewhere 8 + 9, from elsewhere to the file 8. */
static void copied(int from, int to)
{
	int ends[2], sockets[2];
	loff_t at = 0;
	off_t begin = 0;
	char room[16];

	MUST(pipe2(ends, O_CLOEXEC));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	moved(copy_file_range(from, &at, to, NULL, 6, 0), 6);
	moved(sendfile(to, from, &begin, 7), 7);
	at = 0;
	moved(splice(from, &at, ends[1], NULL, 8, 0), 8);
	moved(splice(ends[0], NULL, to, NULL, 8, 0), 8);
	begin = 0;
	moved(sendfile(sockets[0], from, &begin, 9), 9);
	moved(read(sockets[1], room, sizeof(room)), 9); /* nothing of what follows is about files */
	moved(write(ends[1], room, 5), 5);
	moved(read(ends[0], room, 5), 5);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(sockets[i]);
	}
}

static void no_files(void)
{
	uint64_t one = 1;
	int event = MUST(eventfd(0, EFD_CLOEXEC)), null = MUST(open("/dev/null", O_RDWR | O_CLOEXEC));

	moved(write(event, &one, sizeof(one)), sizeof(one));
	moved(read(event, &one, sizeof(one)), sizeof(one));
	moved(write(null, &one, 1), 1);
	close(event);
	close(null);
}

static void refused(int dir, int fd)
{
	static char longest[5000];
	char byte;

	memset(longest, 'x', sizeof(longest) - 1);
	fails(openat(dir, "none", O_RDONLY), ENOENT);
	fails(openat(dir, "link", O_RDONLY | O_NOFOLLOW), ELOOP);
	fails(openat(dir, "b/below", O_RDONLY), ENOTDIR);
	fails(open(longest, O_RDONLY), ENAMETOOLONG);
	fails(unlinkat(dir, "none", 0), ENOENT);
	fails(renameat(dir, "none", dir, "other"), ENOENT);
	fails(unlinkat(dir, "full", AT_REMOVEDIR), ENOTEMPTY);
	fails(write(fd, "", 1), EBADF); /* open only to be read */
	fails(pread(dir, &byte, 1, 0), EISDIR);
	fails(read(-1, &byte, 1), EBADF); /* of nothing */
	MUST(setfsuid(65534));
	fails(openat(dir, "b", O_RDONLY), EACCES);
	MUST(setfsuid(0));
}

static void files(int n, const char *path)
{
	int dir = MUST(open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC)), from, to;

	MUST(symlinkat("b", dir, "link"));
	MUST(mkdirat(dir, "full", 0755));
	MUST(mkdirat(dir, "full/sub", 0755));
	for (int i = 0; i < n; i++) {
		from = MUST(openat(dir, "a", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600));
		to = MUST(openat(dir, "b", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
		in_and_out(from);
		copied(from, to);
		MUST(fsync(from));
		MUST(fdatasync(to));
		close(from);
		close(to);
		no_files();
		from = MUST(openat(dir, "a", O_RDONLY | O_CLOEXEC));
		refused(dir, from);
		close(from);
		MUST(mkdirat(dir, "d", 0755));
		MUST(unlinkat(dir, "d", AT_REMOVEDIR));
		MUST(renameat(dir, "a", dir, "c"));
		MUST(syscall(SYS_renameat2, dir, "c", dir, "e", 0));
		MUST(unlinkat(dir, "e", 0));
		MUST(unlinkat(dir, "b", 0));
	}
	close(dir);
}
