/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/session.h"

#include "base/file.h"
#include "base/json.h"

#define FILE_MAX ((size_t)128 * 1024)

void session_clear(struct session *session)
{
	free(session->url);
	free(session->ca);
	free(session->user);
	if (session->secret)
		explicit_bzero(session->secret, strlen(session->secret));
	free(session->secret);
	*session = (struct session){ 0 };
}

static int session_folder(char **ret, struct error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;

	/* The XDG base directory specification: a relative one is to be ignored. */
	if (config && config[0] == '/')
		path = path_join(config, "suture", NULL);
	else if (home && home[0] == '/')
		path = path_join(home, ".config/suture", NULL);
	else
		return error_set(err, ERR_NOT_FOUND, "neither XDG_CONFIG_HOME nor HOME is set");
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*ret = path;
	return 0;
}

static int session_path(bool make, char **ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	int r = session_folder(&folder, err);

	if (r == 0 && make)
		r = file_make_dirs(folder, 0700, err);
	if (r < 0)
		return r;
	*ret = path_join(folder, "session.json", NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

int session_set_url(struct session *session, const char *url, struct error *err)
{
	size_t len = strlen(url), host = strlen("https://");

	if (len > 0 && url[len - 1] == '/')
		len--;
	if (!str_has_prefix(url, "https://") || len <= host || len > SESSION_URL_MAX ||
	    strcspn(url + host, "/?#@ \t\r\n") < len - host)
		return error_set(err, ERR_INVALID, "\"%s\": not https://HOST[:PORT]", url);
	free(session->url);
	session->url = strndup(url, len);
	return session->url ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int copy_text(const char *text, char **ret, struct error *err)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int read_object(const json_t *object, struct session *session, struct error *err)
{
	const char *url = NULL, *ca = NULL, *user = NULL, *secret = NULL;
	int r = json_get_str(object, "url", SESSION_URL_MAX, &url, err);

	if (r == 0)
		r = json_get_str_opt(object, "ca", SESSION_CA_MAX, &ca, err);
	if (r == 0)
		r = json_get_str(object, "user", 64, &user, err);
	if (r == 0)
		r = json_get_str(object, "session", 128, &secret, err);
	if (r == 0)
		r = session_set_url(session, url, err);
	if (r == 0)
		r = copy_text(ca, &session->ca, err);
	if (r == 0)
		r = copy_text(user, &session->user, err);
	if (r == 0)
		r = copy_text(secret, &session->secret, err);
	return r;
}

int session_load(const char *path, struct session *ret, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_free_ char *kept = NULL;
	_cleanup_json_ json_t *object = NULL;
	int r = path ? 0 : session_path(false, &kept, err);

	if (r < 0)
		return r;
	path = path ? path : kept;
	r = json_load_path(path, FILE_MAX, &object, err);
	if (r == -ENOENT) {
		error_set(err, ERR_NOT_FOUND, "not logged in");
		error_hint(err, "Log in first: suture-admin login https://HOST:PORT --ca FILE");
		return ERR_NOT_FOUND;
	}
	if (r == 0)
		r = read_object(object, &session, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = session;
	session = (struct session){ 0 };
	return 0;
}

int session_save(const struct session *session, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();
	_cleanup_free_ char *path = NULL;
	int bad = object ? 0 : -1, r;

	bad |= json_set_str(object, "url", session->url);
	bad |= json_set_str(object, "ca", session->ca);
	bad |= json_set_str(object, "user", session->user);
	bad |= json_set_str(object, "session", session->secret);
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "session: out of memory, or not UTF-8");
	r = session_path(true, &path, err);
	return r < 0 ? r : json_save_path(object, path, 0600, err);
}

int session_remove(struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = session_path(false, &path, err);

	if (r < 0)
		return r;
	r = file_remove(path, err);
	return r == -ENOENT ? 0 : r;
}
