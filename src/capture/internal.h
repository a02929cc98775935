/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/capture share with each other and with nobody else. */
#ifndef CAPTURE_INTERNAL_H
#define CAPTURE_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "capture/capture.h"
#include "../bpf/wire/fit.h"

/* ---- objects.c: the embedded BPF objects ------------------------------------------------- */

/* "maps", "self" ..., or that of a family by its name. patch: changes the unpacked bytes before libbpf
 * sees them; NULL: none. NULL and errno: as libbpf refuses it, or ENOMEM. */
struct bpf_object *object_open(const char *name, const struct bpf_object_open_opts *opts,
			       void (*patch)(void *elf));

/* ---- held.c: what stays of an object -------------------------------------------------------- */

#define HELD_MAPS_MAX 32	/* our largest object has 13 */

struct held {			/* all zero: nothing */
	struct {
		char name[16];	/* the kernel's room: 15 letters */
		int fd;
	} maps[HELD_MAPS_MAX];
	struct {
		size_t prog;	/* in progs */
		int fd;
	} progs[PROGS_MAX];
	size_t maps_n, progs_n;
};

/* Descriptors of a loaded object's maps and programs, of its own; those of maps that are in shared
 * (NULL: none) are left out. The object may be closed. */
void held_take(struct held *ret, const struct bpf_object *o, const struct held *shared);
void held_drop(struct held *h);
int held_map(const struct held *h, const char *name);	/* -1: not there */
int held_prog(const struct held *h, size_t prog);

/* ---- maps.c: the maps every family shares ------------------------------------------------ */

struct maps {
	struct bpf_object *object;	/* NULL: none, or let go */
	struct held held;		/* nothing in it: they could not be made */
	enum transport transport;
	int ring_err;		/* errno the ring buffer was refused with, 0: it was not */
	u64 ring_bytes;
	u32 when;		/* bits of what some maps are made for, see maps.c */
	bool preallocates;	/* hashes whose entries programs make that know no types */
	int ring, perf, ledger, meters, targets, generation; /* held; -1: not there */
};

int maps_open(struct maps *m, const struct capture_config *config, char *err, size_t err_cap);
void maps_close(struct maps *m);
/* Let a family's object use them, and give its own maps their sizes. */
int maps_share(const struct maps *m, struct bpf_object *object);
void maps_let_go(struct maps *m);	/* of what only maps_share needs */
/* Bytes the kernel bills for a map (fdinfo memlock). */
u64 map_bytes(int fd);

/* ---- types.c: the kernel's types, and who tells them --------------------------------------- */

enum types_source { TYPES_NONE, TYPES_OWN, TYPES_FILE, TYPES_EMBEDDED };

struct types {
	enum types_source source;
	bool own;		/* the kernel tells its own: what attaches by them can */
	bool unseen;		/* it may, but no sysfs is mounted where it would */
	const char *path;	/* for libbpf; NULL: it asks the kernel */
	char release[65];	/* uname -r */
	char memory[32];	/* path of the embedded ones */
	int fd;			/* holds those; -1: none */
	char misfit[80];	/* why the embedded ones are of no use; "" they are, or are not there */
};

/* file: wins over all others, NULL: none. -errno with a sentence in err when it cannot serve. */
int types_open(struct types *t, const char *file, char *err, size_t err_cap);
void types_close(struct types *t);	/* nothing is loaded after it */

/* ---- targets.c: what the kernel has to attach to ------------------------------------------ */

struct targets {
	const struct types *types;  /* what programs are fitted by */
	bool btf;		    /* the kernel has types of its own */
	int root;		    /* of the v2 tree, -1: none */
	bool missing[PROGS_MAX];    /* indexed like progs: not there, as far as can be known */
	bool tracepoint[PROGS_MAX]; /* it is one, or a function: of a rung of functions too */
	char name[PROGS_MAX][48];   /* "sched_process_exec", "finalize_exec"; "": not looked for */
	u32 preempt_disable, preempt_enable; /* as in struct patch */
};

/* types are the caller's, and stay there. */
void targets_find(struct targets *ret, const struct capture_config *config,
		  const struct types *types);
void targets_drop(struct targets *t);	/* nothing is attached after it */

/* ---- root.c: the root of the v2 tree ------------------------------------------------------------ */

/* Its descriptor: where base has it, else by a mount of our own; -1: it is not to be seen, we are in
 * a cgroup namespace and nobody mounted the node's. */
int cgroup_root_open(const char *base);

/* ---- patch.c: our programs as this kernel wants them --------------------------------------- */

struct patch {
	bool blind;		/* kernel memory cannot be read by helper */
	u32 preempt_disable;	/* BTF ids of the kfuncs bpf_preempt_disable and _enable, 0: none */
	u32 preempt_enable;
	bool uprobes_only;	/* that hold the CPU: others call global functions meanwhile */
};

/* For object_open. Calls that read kernel memory become calls of no helper: a program that can get
 * there is refused. */
void patch_blind(void *elf);
/* Without what is to be fitted to the kernel's types: only programs that read nothing of the kernel's
 * can be loaded from it. */
void patch_untyped(void *elf);
/* Prepare an opened object for loading. */
int patch_object(struct bpf_object *o, const struct patch *patch);

/* ---- self.c -------------------------------------------------------------------------------- */

/* Our pid as BPF programs see it: in the initial pid namespace. */
u32 self_pid(void);
/* Whether a file of types is this kernel's, by a look at our own task; FIT_YES also where that
 * cannot be tried (before 5.10; no permission, which is told by whatever is loaded next). */
enum fit self_fit(const char *btf);
/* Whether bpf_probe_read_kernel can be had. */
bool self_reads_kernel(void);
/* Whether bpf_get_current_task_btf can be had. */
bool self_types_task(void);
/* Whether programs can call what the patch names; global: and between that a global function. */
bool self_holds_cpu(const struct patch *patch, bool global);
/* Whether those who run a tracepoint's program can be preempted there; true also where that
 * cannot be known. pid: ours, as programs see it. */
bool self_preempted(u32 pid);
/* Whether this is 6.1 or later: it has a map type that came then (user ring buffers,
 * 583c1f420173). With it came what cannot be tried: the guard that keeps a tracepoint's program
 * from running twice on a CPU (05b24ff9b2cf), and memory for hashes that programs of any kind may
 * ask for (bpf_mem_alloc). */
bool self_is_6_1(void);

/* ---- links.c: what a family is attached by -------------------------------------------------- */

#define LINKS_MAX 64

struct links {			/* all zero: none */
	struct {
		struct bpf_link *of;	/* NULL: detached */
		size_t prog;		/* index in progs */
		u64 missed;		/* until it was */
	} link[LINKS_MAX];
	size_t n;
};

/* Takes the link. */
void links_add(struct links *l, struct bpf_link *link, size_t prog);
void links_detach(struct links *l);
/* How often a kprobe did not run that program, because another one's handler ran (since 6.7). */
u64 links_missed(const struct links *l, size_t prog);

/* ---- copies.c: programs beside their like ------------------------------------------------- */

#define COPIES_MAX 32

struct copy {
	size_t prog;			/* index in progs */
	int fd, link;			/* link: -1, no longer attached */
};

struct copies {
	struct copy copy[COPIES_MAX];
	size_t n;
};

/* Attach up to n copies of that program, which is loaded and attached; less if they are refused. */
void copies_make(struct copies *c, const struct bpf_object *o, size_t prog, unsigned n);
void copies_detach(struct copies *c);
void copies_free(struct copies *c);
/* How often neither the program (its fd) nor one of its copies may have run: the least that one of
 * them missed. */
u64 copies_missed(const struct copies *c, size_t prog, int fd);

/* ---- uprobe.c: programs at functions of libraries ------------------------------------------- */

#define UPROBES_MAX 32	/* of one family */
#define FUNCTIONS_MAX 12 /* of one program */

struct uprobes {		/* all zero: none */
	struct uprobe {
		size_t prog;		/* index in progs */
		enum library library;
		bool returns;		/* it is at the functions' ends */
		char functions[256];	/* "PQexec,PQprepare" */
	} uprobe[UPROBES_MAX];
	size_t n;
};

/* What a file is attached by. */
#define ATTACHED_MAX 32
struct attached {		/* all zero: nothing */
	int fd[ATTACHED_MAX];
	u32 n;
	bool events;	/* perf events, not links */
};

/* A loaded program of one of the rungs: 0 if the kernel lets it be attached, which is tried at our
 * own executable, at a place that nobody runs. */
int uprobes_add(struct uprobes *u, const struct bpf_program *p, size_t prog);
/* Attach all that are at functions of these libraries (which: bit per enum library) to the file. How many functions, or -errno
 * and nothing is added. */
int uprobes_attach(const struct uprobes *u, const struct held *h, u32 which, int fd,
		   struct attached *ret);

/* ---- proof.c: what programs take for granted of a library --------------------------------------- */

/* Whether the file is as programs at these libraries take it for. -EOPNOTSUPP: it is not. What it is
 * not at all, but for its name, is taken from *which; switching: what switches stacks is not. */
int proof_of(int fd, u32 *which, bool switching);

/* ---- attached.c: letting go ----------------------------------------------------------------- */

/* Some time later, without waiting for it. */
void attached_let_go(struct attached *a);
/* All of n files, now. */
void attached_drop(struct attached *files, size_t n);

/* ---- load.c: one family up its ladder ---------------------------------------------------- */


struct loaded {
	struct bpf_object *object;	/* while it is loaded; NULL again when that is done */
	struct held held;
	struct links links;
	struct copies copies;
	struct uprobes uprobes;
	struct bpf_link *listeners;	/* iterator, run on a timer; NULL: none */
};

/* Fill status (indexed like features) and ret for one family. */
void family_load(struct loaded *ret, enum wire_family family, const struct maps *maps,
		 const struct capture_config *config, const struct config *wire,
		 const struct targets *targets, const struct patch *patch,
		 struct feature_status *status);
void family_unload(struct loaded *l);

/* ---- say.c: what libbpf says, and what an errno means to a person ------------------------ */

/* Route libbpf's messages to our log (debug) and remember which program failed. */
void say_setup(void);
void say_forget(void);
const char *say_failed_program(void);	/* "" if none was named since say_forget */
/* Reason and fix of a refused program: from the errno and the verifier's words, if any. */
void say_refusal(struct feature_status *status, int err);
/* The same for a program whose target the kernel does not have. */
void say_missing(struct feature_status *status, const struct targets *targets, size_t prog);
/* The same for want of types. */
void say_types(struct feature_status *status, const struct types *types);

/* ---- ring.c: transport --------------------------------------------------------------------- */

struct ring;

int ring_new(struct ring **ret, struct loop *l, const struct maps *maps,
	     const struct capture_config *config);
void ring_free(struct ring *r);
/* At most limit records; returns how many, or -errno. */
int ring_drain(struct ring *r, size_t limit);

#endif
