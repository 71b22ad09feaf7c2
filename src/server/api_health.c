/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitors ask: /livez, /readyz, /metrics. */
#include "server/api.h"
#include "server/server.h"

#define PLAIN   "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

int api_alive(void *app _unused_, struct http_request *request _unused_,
	      struct http_response *response, struct error *err)
{
	int r = buf_append_str(&response->body, "ok\n");

	response->content_type = PLAIN;
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* Ready is who can write down what machines report. A repository that cannot be read only means
 * that nothing is granted; /metrics shows it. */
int api_ready(void *app, struct http_request *request, struct http_response *response,
	      struct error *err)
{
	struct server *server = app;
	int64_t machines;
	int r = store_machine_count(server->store, &machines, err);

	if (r < 0) {
		response->status = 503;
		return r;
	}
	return api_alive(app, request, response, err);
}

static int add_metric(struct buf *out, const char *name, const char *kind, const char *help,
		      uint64_t value)
{
	return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, kind,
			  name, (unsigned long long)value);
}

static int add_listener(struct buf *out, const char *which, struct http_listener *listener)
{
	struct http_counters c = http_listener_counters(listener);

	return buf_printf(
		out,
		"suture_http_requests_total{listener=\"%s\"} %llu\n"
		"suture_http_errors_total{listener=\"%s\",class=\"4xx\"} %llu\n"
		"suture_http_errors_total{listener=\"%s\",class=\"5xx\"} %llu\n"
		"suture_http_cut_off_total{listener=\"%s\"} %llu\n",
		which, (unsigned long long)c.requests, which, (unsigned long long)c.client_errors,
		which, (unsigned long long)c.server_errors, which, (unsigned long long)c.cut_off);
}

int api_metrics(void *app, struct http_request *request _unused_, struct http_response *response,
		struct error *err)
{
	struct server *server = app;
	struct server_counters *c = &server->counters;
	struct buf *out = &response->body;
	size_t modules;
	int64_t machines;
	int readable = repository_state(server->repository, &modules, NULL) == 0;
	int r = store_machine_count(server->store, &machines, err);

	if (r < 0)
		return r;
	response->content_type = METRICS;
	r |= add_metric(out, "suture_machines", "gauge", "Machines enrolled.", (uint64_t)machines);
	r |= add_metric(out, "suture_enrolments_total", "counter", "Machines enrolled since start.",
			atomic_load(&c->enrolments));
	r |= add_metric(out, "suture_enrolments_denied_total", "counter", "Tokens refused.",
			atomic_load(&c->enrolments_denied));
	r |= add_metric(out, "suture_check_ins_total", "counter", "Check-ins answered.",
			atomic_load(&c->check_ins));
	r |= add_metric(out, "suture_grants_total", "counter", "Check-ins that granted a version.",
			atomic_load(&c->grants));
	r |= add_metric(out, "suture_logins_denied_total", "counter", "Logins refused.",
			atomic_load(&c->logins_denied));
	r |= add_metric(out, "suture_repository_readable", "gauge",
			"1 when the last reading of the repository was good.", (uint64_t)readable);
	r |= add_metric(out, "suture_repository_modules", "gauge", "Modules that tiers list.",
			modules);
	r |= add_listener(out, "machines", server->machines);
	r |= add_listener(out, "people", server->people);
	return r < 0 ? error_set(err, ERR_NO_MEMORY, "metrics: out of memory") : 0;
}
