/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of itself and of us: by tiny programs, run once or only loaded. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"
#include "../bpf/wire/preempt.h"

/* With that one of its programs. btf: a file of types, NULL: the kernel's. */
static struct bpf_object *open_one(const char *object, const char *btf, const char *program)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	struct bpf_object *o = object_open(object, &opts, NULL);
	struct bpf_program *p = o ? bpf_object__find_program_by_name(o, program) : NULL;

	if (p)
		bpf_program__set_autoload(p, true);
	return o;
}

static struct bpf_object *open_self(const char *program)
{
	return open_one("self", NULL, program);
}

/* Loads and runs it, and lets the object go; 0 or -errno. */
static int run_once(struct bpf_object *o, const char *program, u32 *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct bpf_program *p;
	int err;

	if (!o)
		return -errno;
	err = bpf_object__load(o);
	p = bpf_object__find_program_by_name(o, program);
	if (!err)
		err = p ? bpf_prog_test_run_opts(bpf_program__fd(p), &run) : -ENOENT;
	if (!err)
		*ret = run.retval;
	bpf_object__close(o);
	return err;
}

u32 self_pid(void)
{
	u32 pid = 0;

	/* getpid says the same in the initial pid namespace */
	return !run_once(open_self("whoami"), "whoami", &pid) && pid ? pid : (u32)getpid();
}

enum fit self_fit(const char *btf)
{
	u32 fit = FIT_YES;
	int err = run_once(open_one("fit", btf, "fit"), "fit", &fit);

	if (err)
		log_debug("capture", "whether %s is of this kernel cannot be tried: %s", btf,
			  strerror(-err));
	return fit < FIT_END ? (enum fit)fit : FIT_YES;
}

bool self_reads_kernel(void)
{
	struct bpf_object *o = open_self("reads_kernel");
	int err = o ? bpf_object__load(o) : 0;

	bpf_object__close(o);
	return err != -EINVAL; /* another refusal is not about this helper */
}

bool self_types_task(void)
{
	struct bpf_object *o = open_self("types_task");
	int err = o ? bpf_object__load(o) : -ENOMEM;

	bpf_object__close(o);
	return !err;
}

/* Our own task meets both tracepoints, and what it meets there is told by the map. */
static int preempt_ask(struct bpf_object *o, u32 pid, u32 says[PREEMPT_ROWS])
{
	int fd = bpf_object__find_map_fd_by_name(o, "rows"), err = 0;
	struct bpf_link *links[PREEMPT_ROWS] = { 0 };
	struct bpf_program *p;
	size_t n = 0;
	void *page;

	says[PREEMPT_WHO] = pid;
	err = bpf_map_update_elem(fd, &(u32){ PREEMPT_WHO }, &pid, BPF_ANY);
	bpf_object__for_each_program(p, o)
		links[n++] = bpf_program__attach(p);
	page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		munmap(page, 1);
	for (size_t i = 0; i < n; i++)
		bpf_link__destroy(links[i]);
	for (u32 i = PREEMPT_CALL; i < PREEMPT_ROWS && !err; i++)
		err = bpf_map_lookup_elem(fd, &i, &says[i]);
	return err;
}

bool self_preempted(u32 pid)
{
	static const char *const words[] = { "unknown", "no", "yes" };
	u32 says[PREEMPT_ROWS] = { 0 };
	struct bpf_object *o = object_open("preempt", NULL, NULL);
	int err = o ? bpf_object__load(o) : -ENOMEM;

	if (!err)
		err = preempt_ask(o, pid, says);
	bpf_object__close(o);
	if (err)
		return true;
	log_debug("capture", "can a task be preempted in a program: %s at the end of a system call, "
		  "%s at another tracepoint", words[says[PREEMPT_CALL]], words[says[PREEMPT_OTHER]]);
	return says[PREEMPT_OTHER] != PREEMPT_NO;
}

bool self_is_6_1(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_USER_RINGBUF, NULL) == 1;
}

bool self_holds_cpu(const struct patch *patch, bool global)
{
	struct bpf_object *o = open_self(global ? "holds_cpu" : "holds_cpu_alone");
	int err = o ? patch_object(o, patch) : -ENOMEM;

	if (!err)
		err = bpf_object__load(o);
	bpf_object__close(o);
	return !err;
}
