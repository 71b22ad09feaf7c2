/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "wire/problem.h"

#define CONTROL_SOCKET "/run/suture/control.sock"
#define LOCK_FILE      "/run/suture/sutured.lock"

DEFINE_CLEANUP(CURL *, curl_easy_cleanup);

char *client_path(const char *path)
{
	const char *root = getenv("SUTURE_ROOT");

	return root && root[0] ? path_join(root, path + 1, NULL) : strdup(path);
}

bool client_sutured_runs(void)
{
	_cleanup_free_ char *path = client_path(LOCK_FILE);
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	char line[256], place[64];
	struct stat st;

	if (!path || !locks || stat(path, &st) < 0)
		return true;
	snprintf(place, sizeof(place), " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	while (fgets(line, sizeof(line), locks))
		if (strstr(line, ": FLOCK ") && strstr(line, " WRITE ") && strstr(line, place))
			return true;
	return false;
}

static size_t collect(char *data, size_t size, size_t n, void *user)
{
	return buf_append(user, data, size * n) < 0 ? 0 : size * n;
}

/* sutured's problem, with its hint (an extension member), as our own error. */
static int take_problem(int status, const struct buf *answer, struct error *err)
{
	_cleanup_json_ json_t *o = NULL;
	struct problem problem;
	const char *hint = NULL;
	int r = problem_parse(status, answer->data, answer->len, &problem, err);

	if (r < 0)
		return error_set(err, ERR_PROTOCOL, "sutured answered with status %d", status);
	error_set(err, problem_code(&problem), "%s", problem.detail);
	if (json_parse(answer->data, answer->len, &o, NULL) == 0 &&
	    json_get_str_opt(o, "hint", ERROR_HINT_MAX - 1, &hint, NULL) == 0 && hint)
		error_hint(err, "%s", hint);
	return problem_code(&problem);
}

static int explain(CURLcode code, const char *socket_path, struct error *err)
{
	if (code == CURLE_WRITE_ERROR)
		return error_set(err, ERR_TOO_LARGE, "sutured's answer is too large");
	if (code != CURLE_COULDNT_CONNECT)
		return error_set(err, ERR_PROTOCOL, "talking to sutured: %s",
				 curl_easy_strerror(code));
	if (access(socket_path, F_OK) == 0 && access(socket_path, W_OK) < 0) {
		error_set(err, ERR_DENIED, "only root may do this");
		error_hint(err, "run it with sudo");
		return ERR_DENIED;
	}
	error_set(err, ERR_UNREACHABLE, "sutured is not running (%s)", socket_path);
	error_hint(err, "start it: `systemctl start sutured`");
	return ERR_UNREACHABLE;
}

static int post(const char *socket_path, const char *path, const struct buf *body,
		struct buf *answer, long *ret_status, struct error *err)
{
	_cleanup_(curl_easy_cleanupp) CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char url[128];
	CURLcode code;

	snprintf(url, sizeof(url), "http://localhost%s", path);
	if (!curl || !headers) {
		curl_slist_free_all(headers);
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	/* No "Expect: 100-continue" round trip. */
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_str(body));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_slist_free_all(headers);
	return code == CURLE_OK ? 0 : explain(code, socket_path, err);
}

int client_post(const char *path, const json_t *body, json_t **ret_status, struct error *err)
{
	_cleanup_free_ char *socket_path = client_path(CONTROL_SOCKET);
	_cleanup_buf_ struct buf request = BUF_INIT(CLIENT_ANSWER_MAX);
	_cleanup_buf_ struct buf answer = BUF_INIT(CLIENT_ANSWER_MAX);
	_cleanup_json_ json_t *o = NULL;
	long status = 0;
	int r;

	if (!socket_path || json_append(body, &request) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = post(socket_path, path, &request, &answer, &status, err);
	/* A token may be in it. */
	explicit_bzero(request.data, request.len);
	if (r < 0)
		return r;
	if (status != 200)
		return take_problem((int)status, &answer, err);
	r = json_parse(answer.data, answer.len, &o, err);
	if (r < 0)
		return error_prefix(err, r, "sutured's answer");
	if (ret_status)
		*ret_status = json_incref(json_object_get(o, "status"));
	return 0;
}
