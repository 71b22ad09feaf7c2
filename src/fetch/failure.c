/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/failure.h"

#include <openssl/x509_vfy.h>

#include "base/file.h"
#include "wire/problem.h"

/* libcurl's codes that need no more than a sentence. Unlisted ones are ERR_PROTOCOL. */
static const struct {
	CURLcode curl;
	int code;
	const char *meaning;
	const char *hint;
} curl_failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, "the server's name cannot be resolved",
	  "check the name and this machine's DNS" },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_UNREACHABLE, "the proxy's name cannot be resolved",
	  "check https_proxy in the environment of suture-fetch" },
	{ CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "the server is too slow",
	  "it is tried again later" },
	{ CURLE_GOT_NOTHING, ERR_UNREACHABLE, "the server closed the connection without an answer",
	  "it is tried again later" },
	{ CURLE_SEND_ERROR, ERR_UNREACHABLE, "the connection broke while sending",
	  "it is tried again later" },
	{ CURLE_RECV_ERROR, ERR_UNREACHABLE, "the connection broke while receiving",
	  "it is tried again later" },
	{ CURLE_PARTIAL_FILE, ERR_UNREACHABLE, "the answer ends early", "it is tried again later" },
	{ CURLE_FILESIZE_EXCEEDED, ERR_TOO_LARGE, "the answer is over the size allowed here", "" },
	{ CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY, "out of memory", "" },
	{ CURLE_SSL_CACERT_BADFILE, ERR_UNTRUSTED, "the trusted server_ca is not a certificate",
	  "the trust bundle is broken: get a new one" },
	{ CURLE_SSL_CERTPROBLEM, ERR_BAD_STATE, "this machine's own certificate or key is broken",
	  "disable and enable this machine again" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL, "the server does not speak HTTP", "" },
	{ CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL, "the server does not speak HTTP", "" },
};

static int set_untrusted(const struct failure_details *details, struct error *err)
{
	long result = details->verify_result;

	/* libcurl compares names itself, and leaves OpenSSL's result as it found it. */
	if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED ||
	    result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		error_set(err, ERR_UNTRUSTED, "the server's certificate is for another name: %s",
			  details->text);
		error_hint(err, "use the server's address that its certificate names");
	} else if (result == X509_V_ERR_CERT_HAS_EXPIRED ||
		   result == X509_V_ERR_CERT_NOT_YET_VALID) {
		error_set(err, ERR_UNTRUSTED, "the server's certificate is out of its dates: %s",
			  X509_verify_cert_error_string(result));
		error_hint(err, "check this machine's clock; if it is right, the server needs a "
				"new certificate");
	} else {
		error_set(err, ERR_UNTRUSTED,
			  "the server's certificate is not signed by the trusted CA: %s",
			  X509_verify_cert_error_string(result));
		error_hint(err, "this is another server, or its CA changed and this machine needs "
				"a new trust bundle");
	}
	return ERR_UNTRUSTED;
}

static int set_not_connected(const struct failure_details *details, struct error *err)
{
	if (details->os_errno)
		error_set_errno(err, (int)details->os_errno, "no connection");
	else
		error_set(err, ERR_UNREACHABLE, "no connection: %s", details->text);
	if (err)
		err->code = ERR_UNREACHABLE;
	error_hint(err, "check that the server runs and that no firewall is between");
	return ERR_UNREACHABLE;
}

/* The TLS handshake failed for another reason than the server's certificate. */
static int set_no_tls(const struct failure_details *details, struct error *err)
{
	if (strstr(details->text, "SSL_ERROR_SYSCALL") || strstr(details->text, "reset by peer")) {
		error_set(err, ERR_UNREACHABLE, "the connection broke while setting up TLS: %s",
			  details->text);
		return ERR_UNREACHABLE;
	}
	error_set(err, ERR_UNTRUSTED, "TLS cannot be set up: %s", details->text);
	error_hint(err, "the address may belong to something that does not speak TLS 1.2 or newer");
	return ERR_UNTRUSTED;
}

int failure_from_curl(CURLcode code, const struct failure_details *details, struct error *err)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION: return set_untrusted(details, err);
	case CURLE_COULDNT_CONNECT: return set_not_connected(details, err);
	case CURLE_SSL_CONNECT_ERROR: return set_no_tls(details, err);
	default: break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(curl_failures); i++) {
		if (curl_failures[i].curl != code)
			continue;
		error_set(err, curl_failures[i].code, "%s%s%s", curl_failures[i].meaning,
			  details->text[0] ? ": " : "", details->text);
		error_hint(err, "%s", curl_failures[i].hint);
		return curl_failures[i].code;
	}
	return error_set(err, ERR_PROTOCOL, "%s",
			 details->text[0] ? details->text : curl_easy_strerror(code));
}

/* What the problem document says, or ""; 0 if there is one. */
static int read_problem(int status, int fd, struct problem *ret)
{
	_cleanup_buf_ struct buf body = BUF_INIT(PROBLEM_MAX);

	if (lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, &body, NULL) < 0)
		return ERR_INVALID;
	return problem_parse(status, body.data, body.len, ret, NULL);
}

static int code_of_status(int status)
{
	switch (status) {
	case 401:
	case 403: return ERR_DENIED;
	case 404:
	case 410: return ERR_NOT_FOUND;
	case 413: return ERR_TOO_LARGE;
	case 429:
	case 502:
	case 503:
	case 504: return ERR_UNREACHABLE;
	default: return ERR_PROTOCOL;
	}
}

int failure_from_status(int status, int body_fd, struct error *err)
{
	struct problem problem = { 0 };
	bool explained = read_problem(status, body_fd, &problem) == 0 && problem.detail[0];
	int code = code_of_status(status);

	if (status >= 300 && status < 400) {
		error_set(err, code, "the server redirects (status %d), which is not followed",
			  status);
		error_hint(err, "use the server's own address");
		return code;
	}
	return error_set(err, code, "the server answered %d%s%s", status, explained ? ": " : "",
			 explained ? problem.detail : "");
}
