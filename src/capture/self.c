/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are run once, by us, to be told something. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "capture/internal.h"

/* The only program of an object; 0 or -errno. btf: a file of types, NULL: the kernel's. */
static int run_once(const void *bytes, size_t size, const char *btf, u32 *ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct bpf_object *o = bpf_object__open_mem(bytes, size, &opts);
	struct bpf_program *p;
	int err;

	if (!o)
		return -errno;
	p = bpf_object__next_program(o, NULL);
	err = p ? bpf_object__load(o) : -ENOENT;
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(p), &run);
	if (!err)
		*ret = run.retval;
	bpf_object__close(o);
	return err;
}

u32 self_pid(void)
{
	u32 pid = 0;
	size_t size;
	const void *bytes = object_self(&size);

	/* getpid says the same in the initial pid namespace */
	return !run_once(bytes, size, NULL, &pid) && pid ? pid : (u32)getpid();
}

enum fit self_fit(const char *btf)
{
	u32 fit = FIT_YES;
	size_t size;
	const void *bytes = object_fit(&size);
	int err = run_once(bytes, size, btf, &fit);

	if (err)
		log_debug("capture", "whether %s is of this kernel cannot be tried: %s", btf,
			  strerror(-err));
	return fit < FIT_END ? (enum fit)fit : FIT_YES;
}
