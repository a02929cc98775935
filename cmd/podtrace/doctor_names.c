/* SPDX-License-Identifier: Apache-2.0 */
/* Who tells names: the same clients as in a run, until each has told its state. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ask/api_book.h"
#include "ask/api_split.h"
#include "base/clock.h"
#include "cmd/podtrace/doctor.h"
#include "cmd/podtrace/identity.h"

/* A runtime that accepts and never answers takes this long to be told. */
#define WAIT_NS	      (8 * NSEC_PER_SEC)
#define LOOK_EVERY_NS (5 * NSEC_PER_MSEC)

struct wait {
	struct loop *loop;
	struct identity *identity;
	u64 until_ns;
};

static void on_container(void *ctx, const struct container *draft)
{
	(void)ctx;
	(void)draft;
}

static void on_pod(void *ctx, const struct pod *draft)
{
	(void)ctx;
	(void)draft;
}

static void on_gone(void *ctx, struct str id)
{
	(void)ctx;
	(void)id;
}

static void on_changed(void *ctx, const struct identity *i)
{
	(void)ctx;
	(void)i;
}

static void on_look(void *ctx)
{
	struct wait *w = ctx;

	if (identity_settled(w->identity) || loop_now(w->loop) > w->until_ns)
		loop_stop(w->loop, 0);
}

/* ---- the runtime -------------------------------------------------------------------------- */

/* A machine on which nothing speaks for containers lacks no runtime. What cannot be seen might. */
static bool runs_containers(const struct checkup *c, bool has_candidates)
{
	return has_candidates || c->tree.kubelet_root[0] || getenv("KUBERNETES_SERVICE_HOST") ||
	       c->tree.version == CGROUP_UNKNOWN || c->tree.version == CGROUP_NONE;
}

/* Its client waits longer for an answer than we do. */
static void silent(struct doctor_feature *f, struct doctor_fact *fact, const char *who,
		   const char *fix)
{
	char reason[sizeof(f->reason)];

	snprintf(reason, sizeof(reason), "%.120s did not answer within %d s", who,
		 (int)(WAIT_NS / NSEC_PER_SEC));
	f->err = ETIMEDOUT;
	doctor_blame(f, reason, fix);
	doctor_say(fact, reason, fix);
}

static void add_runtime(struct checkup *c, const struct cri_status *s, bool has_candidates)
{
	struct doctor_feature *f;
	struct doctor_fact *endpoint, *fact;
	bool up = s && s->state == CRI_UP;
	char text[512];

	snprintf(text, sizeof(text), "%.255s", up ? s->endpoint : "none");
	endpoint = doctor_fact(c, "cri_endpoint", text);
	if (up)
		doctor_say(endpoint, s->how, "");
	else
		doctor_say(endpoint, s ? s->reason : "not asked (PODTRACE_CRI_RESOLVE=false)",
			   s ? s->fix : "");
	snprintf(text, sizeof(text), "%s %s", up ? s->runtime : "unknown", up ? s->version : "");
	fact = doctor_fact(c, "cri_runtime", up ? text : "unknown");
	if (up && s->driver[0]) {
		snprintf(text, sizeof(text), "says its cgroup driver is %s", s->driver);
		doctor_say(fact, text, "");
	}
	if (!s || !runs_containers(c, has_candidates))
		return;
	f = doctor_feature(c, "identity", "runtime", "DAC_OVERRIDE or uid 0");
	f->without = "containers have ids, but no names from the runtime";
	f->rung = up ? s->events ? "events" : "polling" : "";
	if (!up) {
		f->state = "off";
		f->err = s->err;
		doctor_blame(f, s->reason, s->fix);
		if (!s->reason[0])
			silent(f, endpoint, "the container runtime",
			       "see whether it answers others (crictl version) and restart it");
	} else if (!s->events) {
		f->state = "reduced";
		doctor_blame(
			f,
			"this runtime sends no container events: its lists are read every 5 s, "
			"and a new container is asked for as it is met",
			"containerd 2.0 or later (1.7 would give each event to one listener only: to us or to the "
			     "kubelet); CRI-O with enable_pod_events = true");
	}
}

/* ---- the API server ----------------------------------------------------------------------- */

static void add_api(struct checkup *c, const struct api_status *s)
{
	struct doctor_feature *f;
	struct doctor_fact *fact;
	bool up = s && s->state == API_WATCHING;
	char text[512];

	snprintf(text, sizeof(text), "%s", s && s->server[0] ? s->server : "none");
	fact = doctor_fact(c, "api_server", text);
	if (up) {
		snprintf(text, sizeof(text), "%.60s%s%" PRI_U64 " pods on this node", s->version,
			 s->version[0] ? ", " : "", s->pods);
		doctor_say(fact, text, "");
	} else {
		doctor_say(fact, s ? s->reason : "not asked (PODTRACE_KUBERNETES=false)",
			   s ? s->fix : "");
	}
	if (!s || s->state == API_OFF) /* optional: outside a cluster nothing is missing */
		return;
	f = doctor_feature(c, "identity", "kubernetes", "");
	f->without = "labels and owners come from the runtime, as far as it knows them";
	f->rung = up ? "watch" : "";
	if (up)
		return;
	f->state = "off";
	if (s->state == API_LISTING && !s->reason[0])
		silent(f, fact, s->server, "check that a network policy or firewall lets podtrace "
					   "reach it, and that it answers others (kubectl version)");
	else
		doctor_blame(f, s->reason, s->fix);
}

/* Answers are let go as soon as they are read. */
static void bill_clients(struct checkup *c, const struct identity *i)
{
	const struct cri *cri = identity_cri(i);
	const struct api *api = identity_api(i);

	if (cri) {
		doctor_bill(c, "table", "containers of the runtime", CRI_KNOWN_MAX,
			    cri_bytes_max(cri));
		doctor_bill(c, "answer", "answer of the runtime", 0,
			    CRI_MESSAGE_MAX + CRI_MEMORY_MAX);
	}
	if (api && api_status(api)->state != API_OFF) {
		doctor_bill(c, "table", "pods of the API server", API_PODS_MAX + API_OWNERS_MAX,
			    api_bytes(api));
		doctor_bill(c, "answer", "answer of the API server", 0,
			    2 * API_OBJECT_MAX + API_REST_MAX);
	}
}

static int ask(struct checkup *c, struct wait *w)
{
	struct identity_config config = { .o = c->o,
					  .host = &c->host,
					  .quiet = true,
					  .container = on_container,
					  .pod = on_pod,
					  .container_gone = on_gone,
					  .pod_gone = on_gone,
					  .changed = on_changed };
	struct loop_timer *timer = loop_timer_new(w->loop, on_look, w);
	int code = timer ? identity_new(&w->identity, w->loop, &config)
			 : fail_setup("a timer", errno);

	w->until_ns = clock_boot_ns() + WAIT_NS;
	if (!code) {
		loop_arm(timer, LOOK_EVERY_NS, LOOK_EVERY_NS);
		loop_run(w->loop);
		add_runtime(c, identity_cri_status(w->identity),
			    identity_has_runtime(w->identity));
		add_api(c, identity_api_status(w->identity));
		bill_clients(c, w->identity);
	}
	loop_timer_free(timer);
	identity_free(w->identity);
	return code;
}

int doctor_names(struct checkup *c)
{
	struct wait w = { .loop = loop_new() };
	int code = w.loop ? ask(c, &w)
			  : fail(EXIT_RUN, "cannot set up the event loop: %s", strerror(errno));

	loop_free(w.loop);
	return code;
}
