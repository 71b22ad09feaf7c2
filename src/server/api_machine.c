/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What machines ask: enrolment, check-in, trust bundle, repository. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/api.h"
#include "server/http/static_file.h"
#include "server/server.h"
#include "wire/bundle.h"

int guard_machine(void *app, struct http_request *request, struct http_response *response _unused_,
		  struct error *err)
{
	struct server *server = app;
	_cleanup_free_ struct store_machine *machine = calloc(1, sizeof(*machine));
	uint8_t certificate[SHA256_LEN];
	int r;

	if (!machine)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = http_client_certificate(request, certificate, err);
	if (r == ERR_UNTRUSTED)
		return error_set(err, ERR_DENIED,
				 "the client certificate is not one of this server");
	if (r < 0)
		return r;
	r = store_machine_by_certificate(server->store, certificate, machine, err);
	if (r == ERR_NOT_FOUND)
		return error_set(err, ERR_DENIED, "this machine is not enrolled here");
	if (r == 0)
		request->identity = TAKE_PTR(machine);
	return r;
}

/* A random UUID (RFC 9562, version 4). */
static int make_uuid(char ret[static UUID_LEN + 1], struct error *err)
{
	uint8_t bytes[16];
	char digits[33];
	int r = random_bytes(bytes, sizeof(bytes), err);

	if (r < 0)
		return r;
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	hex_encode(bytes, sizeof(bytes), digits);
	snprintf(ret, UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	return 0;
}

/* Signs and writes down; the token is checked again where it is spent. */
static int enrol_machine(struct server *server, const struct enrol_request *enrol,
			 const uint8_t *secret, struct enrol_answer *answer, struct error *err)
{
	_cleanup_pki_certificate_ struct pki_certificate certificate = { 0 };
	struct store_certificate stored;
	struct store_machine machine = { .facts = enrol->facts, .enrolled = clock_now() };
	int r = make_uuid(machine.id, err);

	if (r == 0)
		r = pki_sign_machine(server->pki, enrol->csr, machine.id, machine.enrolled,
				     &certificate, err);
	if (r < 0)
		return r;
	if (strlen(certificate.pem) > ENROL_CERT_MAX)
		return error_set(err, ERR_TOO_LARGE, "the certificate does not fit");
	memcpy(machine.hostname, enrol->hostname, sizeof(machine.hostname));
	memcpy(stored.sha256, certificate.sha256, sizeof(stored.sha256));
	stored.not_after = certificate.not_after;
	r = store_enrol(server->store, secret, &machine, &stored, err);
	if (r < 0)
		return r;
	memcpy(answer->machine_id, machine.id, sizeof(answer->machine_id));
	memcpy(answer->certificate, certificate.pem, strlen(certificate.pem) + 1);
	answer->interval = server->options.interval;
	log_info("machine %s enrolled: %s, kernel %s, tier %s", machine.id, machine.hostname,
		 machine.facts.kernel, machine.facts.tier);
	return 0;
}

int api_enrol(void *app, struct http_request *request, struct http_response *response,
	      struct error *err)
{
	struct server *server = app;
	_cleanup_enrol_request_ struct enrol_request enrol = { 0 };
	_cleanup_free_ struct enrol_answer *answer = calloc(1, sizeof(*answer));
	uint8_t secret[SHA256_LEN];
	int r;

	if (!answer)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = enrol_request_parse(request->body.data, request->body.len, &enrol, err);
	if (r == 0)
		r = hash_sha256(enrol.token, strlen(enrol.token), secret);
	if (r == 0)
		r = store_token_check(server->store, secret, clock_now(), err);
	if (r == 0)
		r = enrol_machine(server, &enrol, secret, answer, err);
	if (r == ERR_DENIED) {
		atomic_fetch_add(&server->counters.enrolments_denied, 1);
		log_warning("enrolment from %s denied", request->peer);
	}
	if (r < 0)
		return r;
	atomic_fetch_add(&server->counters.enrolments, 1);
	response->status = 201;
	return enrol_answer_write(answer, &response->body, err);
}

int api_check_in(void *app, struct http_request *request, struct http_response *response,
		 struct error *err)
{
	struct server *server = app;
	const struct store_machine *machine = request->identity;
	_cleanup_check_in_request_ struct check_in_request report = { 0 };
	struct check_in_answer answer = { .interval = server->options.interval };
	int r = check_in_request_parse(request->body.data, request->body.len, &report, err);

	if (r < 0)
		return r;
	answer.time = clock_now();
	repository_update(server->repository, answer.time);
	answer.sequence = report.sequence;
	answer.reason = repository_decide(server->repository, &report.facts, report.version,
					  answer.version);
	answer.granted = answer.reason == REASON_GRANTED;
	if (answer.granted) {
		memcpy(answer.kernel, report.facts.kernel, sizeof(answer.kernel));
		memcpy(answer.rollout, report.facts.tier, sizeof(report.facts.tier));
	}
	r = store_check_in(server->store, machine->id, &report, answer.version, answer.time, err);
	if (r == ERR_NOT_FOUND)
		return error_set(err, ERR_DENIED, "this machine is not enrolled here");
	if (r < 0)
		return r;
	atomic_fetch_add(&server->counters.check_ins, 1);
	if (answer.granted)
		atomic_fetch_add(&server->counters.grants, 1);
	return check_in_answer_write(&answer, &response->body, err);
}

int api_trust_bundle(void *app, struct http_request *request _unused_,
		     struct http_response *response, struct error *err)
{
	struct server *server = app;
	struct buf bundle = BUF_INIT(BUNDLE_MAX);
	int r = file_read(server->bundle_path, &bundle, err);

	if (r == -ENOENT)
		return error_set(err, ERR_NOT_FOUND, "this server offers no trust bundle");
	if (r < 0) {
		buf_free(&bundle);
		return r;
	}
	response->body = bundle;
	return 0;
}

/* The folder is opened anew each time: it may be replaced as a whole while the server runs. */
int api_repository(void *app, struct http_request *request, struct http_response *response,
		   struct error *err)
{
	struct server *server = app;
	_cleanup_close_ int fd = open(server->repository_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, ERR_NOT_FOUND, "there is no such file");
	if (!str_has_prefix(request->parameter, "metadata/") &&
	    !str_has_prefix(request->parameter, "targets/"))
		return error_set(err, ERR_NOT_FOUND, "there is no such file");
	return static_file_answer(fd, request->parameter, http_header(request, "If-None-Match"),
				  response, err);
}
