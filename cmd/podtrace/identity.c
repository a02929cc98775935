/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ask/find.h"
#include "ask/logs.h"
#include "base/log.h"
#include "cmd/podtrace/identity.h"
#include "cmd/podtrace/run.h"
#include "enrich/cgroup_proc.h"

/* The kubelet's log directory is read so often, and so soon when somebody asks. */
#define LOGS_AGAIN_NS (10 * NSEC_PER_SEC)
#define LOGS_SOON_NS (NSEC_PER_SEC / 2)

struct identity {
	struct identity_config config;
	struct loop *loop;
	struct cri *cri;
	struct api *api;
	struct loop_timer *again; /* read the logs */
	bool logs_told;		  /* the log directory had names */
	bool logs_soon;		  /* it is read within a second */
	bool candidates;	  /* some were found */
	enum cri_state cri_said;
	enum api_state api_said;
};

/* ---- what is said ------------------------------------------------------------------------- */

bool identity_expects(const struct identity *i)
{
	const struct cri_status *cri = identity_cri_status(i);
	const struct api_status *api = identity_api_status(i);

	if (cri &&
	    (cri->state == CRI_SEARCHING || cri->state == CRI_READING || cri->state == CRI_UP))
		return true;
	return (api && (api->state == API_LISTING || api->state == API_WATCHING)) || i->logs_told;
}

static void say_cri(struct identity *i, const struct cri_status *s)
{
	if (i->config.quiet || s->state == i->cri_said)
		return;
	if (s->state == CRI_UP)
		log_info("identity", "%s %s at %s (%s) tells names, news by %s", s->runtime,
			 s->version, s->endpoint, s->how, s->events ? "events" : "polling");
	else if (s->state == CRI_NONE && !i->candidates) /* not every machine runs containers */
		log_info("identity", "%s: %s", s->reason, s->fix);
	else if (s->state == CRI_NONE || s->state == CRI_DOWN)
		log_warn("identity", "%s; containers have ids but no names from the runtime%s%s",
			 s->reason, s->fix[0] ? ": " : "", s->fix);
	else
		return;
	i->cri_said = s->state;
}

static void say_api(struct identity *i, const struct api_status *s)
{
	if (i->config.quiet || s->state == i->api_said)
		return;
	if (s->state == API_WATCHING)
		log_info("identity", "API server %s tells pods: %" PRI_U64 " on this node",
			 s->server, s->pods);
	else if (s->state == API_FAILING)
		log_warn("identity", "API server: %s; labels and owners come from the runtime%s%s",
			 s->reason, s->fix[0] ? ": " : "", s->fix);
	else
		return;
	i->api_said = s->state;
}

/* ---- handed on ---------------------------------------------------------------------------- */

static void on_container(void *ctx, const struct container *draft)
{
	struct identity *i = ctx;

	i->config.container(i->config.ctx, draft);
}

static void on_pod(void *ctx, const struct pod *draft)
{
	struct identity *i = ctx;

	i->config.pod(i->config.ctx, draft);
}

static void on_container_gone(void *ctx, struct str id)
{
	struct identity *i = ctx;

	i->config.container_gone(i->config.ctx, id);
}

static void on_pod_gone(void *ctx, struct str uid)
{
	struct identity *i = ctx;

	i->config.pod_gone(i->config.ctx, uid);
}

/* Its events keep their id; the runtime's client counts it. */
static void on_unanswered(void *ctx, struct str id)
{
	(void)ctx;
	log_debug("identity", "the runtime does not know container %.*s", (int)id.n, id.p);
}

/* ---- the kubelet's logs ------------------------------------------------------------------- */

/* In a container the node's / may be mounted below one of these. */
static void read_logs(struct identity *i)
{
	static const char *const roots[] = { "", "/host", "/rootfs" };
	struct logs_config config = { .container = on_container, .pod = on_pod, .ctx = i };

	i->logs_soon = false;
	for (size_t n = 0; n < ARRAY_SIZE(roots); n++) {
		config.root = roots[n];
		if (logs_read(&config) <= 0)
			continue;
		if (!i->logs_told && !i->config.quiet)
			log_info("identity",
				 "%s/var/log/containers tells names while the runtime "
				 "does not",
				 roots[n]);
		i->logs_told = true;
		break;
	}
	i->config.changed(i->config.ctx, i);
}

static bool runtime_is_away(const struct identity *i)
{
	const struct cri_status *s = identity_cri_status(i);

	return !s || s->state == CRI_NONE || s->state == CRI_DOWN;
}

/* ---- the runtime -------------------------------------------------------------------------- */

static void on_cri(void *ctx, const struct cri_status *status)
{
	struct identity *i = ctx;

	say_cri(i, status);
	if (runtime_is_away(i))
		loop_arm(i->again, 0, LOGS_AGAIN_NS);
	i->config.changed(i->config.ctx, i);
}

/* A runtime may come later than we do, under a name that was not there before. */
static int find(struct identity *i, struct cri_candidate ret[CRI_CANDIDATES_MAX], char *err,
		size_t err_cap)
{
	const struct options *o = i->config.o;
	struct cri_find find = { .explicit = o->cri_endpoint,
				 .explicit_by = option_used(o, OPTION_cri_endpoint),
				 .proc_base = o->proc_base,
				 .outside_pods = cgroup_proc_outside_pods };
	int n = cri_find(&find, ret, err, err_cap);

	i->candidates = n > 0;
	return n;
}

static size_t on_refind(void *ctx, struct cri_candidate ret[CRI_CANDIDATES_MAX])
{
	char err[512];
	int n = find(ctx, ret, err, sizeof(err));

	return n > 0 ? (size_t)n : 0; /* the endpoint that was given was sound at the start */
}

static int start_cri(struct identity *i)
{
	static struct cri_candidate candidates[CRI_CANDIDATES_MAX];
	struct cri_config config = {
		.candidates = candidates,
		.container = on_container,
		.pod = on_pod,
		.container_gone = on_container_gone,
		.pod_gone = on_pod_gone,
		.unanswered = on_unanswered,
		.changed = on_cri,
		.refind = on_refind,
		.ctx = i,
	};
	char err[512];
	int n;

	if (!i->config.o->cri_resolve)
		return EXIT_OK;
	n = find(i, candidates, err, sizeof(err));
	if (n < 0)
		return fail(EXIT_USAGE, "%s", err);
	config.candidates_n = (size_t)n;
	n = cri_new(&i->cri, i->loop, &config);
	return n ? fail_setup("the runtime's client", -n) : EXIT_OK;
}

/* Nothing answers: take what the logs tell. */
static void on_again(void *ctx)
{
	struct identity *i = ctx;

	if (runtime_is_away(i))
		read_logs(i);
	else
		loop_disarm(i->again);
}

/* ---- the API server ----------------------------------------------------------------------- */

static void on_api(void *ctx, const struct api_status *status)
{
	struct identity *i = ctx;

	say_api(i, status);
	i->config.changed(i->config.ctx, i);
}

static int start_api(struct identity *i)
{
	struct api_config config = {
		.host = getenv("KUBERNETES_SERVICE_HOST"),
		.port = getenv("KUBERNETES_SERVICE_PORT"),
		.node = i->config.host->name,
		.container = on_container,
		.pod = on_pod,
		.pod_gone = on_pod_gone,
		.changed = on_api,
		.ctx = i,
	};

	int err = i->config.o->kubernetes ? api_new(&i->api, i->loop, &config) : 0;

	return err ? fail_setup("the API server's client", -err) : EXIT_OK;
}

/* ---- life --------------------------------------------------------------------------------- */

int identity_new(struct identity **ret, struct loop *l, const struct identity_config *config)
{
	struct identity *i = calloc(1, sizeof(*i));
	int code;

	if (!i)
		return fail(EXIT_RUN, "out of memory");
	i->config = *config;
	i->loop = l;
	i->again = loop_timer_new(l, on_again, i);
	code = i->again ? EXIT_OK : fail_setup("a timer", errno);
	if (!code)
		code = start_cri(i);
	if (!code)
		code = start_api(i);
	if (code) {
		identity_free(i);
		return code;
	}
	if (runtime_is_away(i))
		loop_arm(i->again, 0, LOGS_AGAIN_NS);
	i->config.changed(i->config.ctx, i);
	*ret = i;
	return EXIT_OK;
}

void identity_free(struct identity *i)
{
	if (!i)
		return;
	cri_free(i->cri);
	api_free(i->api);
	loop_timer_free(i->again);
	free(i);
}

void identity_want(struct identity *i, struct str id)
{
	if (i->cri)
		cri_want(i->cri, id);
	/* the kubelet makes the link shortly after the container: its next event will ask again */
	if (i->logs_soon || !i->logs_told || !runtime_is_away(i))
		return;
	i->logs_soon = true;
	loop_arm(i->again, LOGS_SOON_NS, LOGS_AGAIN_NS);
}

bool identity_settled(const struct identity *i)
{
	const struct cri_status *cri = identity_cri_status(i);
	const struct api_status *api = identity_api_status(i);

	return (!cri || (cri->state != CRI_SEARCHING && cri->state != CRI_READING)) &&
	       (!api || api->state != API_LISTING);
}

void identity_asked(const struct identity *i, struct pipe_asked *ret)
{
	const struct cri_status *cri = identity_cri_status(i);
	const struct api_status *api = identity_api_status(i);

	*ret = (struct pipe_asked){ 0 };
	if (cri) {
		ret->requests = cri->calls;
		ret->failures = cri->failures;
		ret->refused = cri->too_large + cri->skipped;
		ret->forgotten = cri->forgotten;
		ret->unasked = cri->wants_lost;
		ret->unanswered = cri->wants_unanswered;
	}
	if (api) {
		ret->requests += api->requests;
		ret->failures += api->failures;
		ret->refused += api->too_large + api->bad_objects;
		ret->forgotten += api->pods_evicted;
	}
}

bool identity_has_runtime(const struct identity *i)
{
	return i->candidates;
}

struct cri *identity_cri(const struct identity *i)
{
	return i->cri;
}

const struct cri_status *identity_cri_status(const struct identity *i)
{
	return i->cri ? cri_status(i->cri) : NULL;
}

struct api *identity_api(const struct identity *i)
{
	return i->api;
}

const struct api_status *identity_api_status(const struct identity *i)
{
	return i->api ? api_status(i->api) : NULL;
}
