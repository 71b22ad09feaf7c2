/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "wire/fetch_message.h"

#define DATA_MAX        (256 * 1024 * 1024)
#define DESCRIPTORS_MAX 64

/* The folder itself, never through a link, with the owner and mode it must have. */
static int own_folder(const char *folder, uid_t uid, gid_t gid, struct error *err)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", folder);
	if (geteuid() == 0 && fchown(fd, uid, gid) < 0)
		return error_set_errno(err, errno, "%s: changing its owner", folder);
	if (fchmod(fd, 0700) < 0)
		return error_set_errno(err, errno, "%s: changing its mode", folder);
	return 0;
}

static int become(const struct passwd *user, struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return error_set_errno(err, errno, "becoming user %s", FETCH_USER);
	if (setuid(0) == 0)
		return error_set(err, ERR_DENIED, "root could not be given up");
	return 0;
}

int privileges_drop(const char *folder, bool keep_user, struct error *err)
{
	const struct passwd *user = NULL;
	int r;

	if (geteuid() == 0 && !keep_user) {
		user = getpwnam(FETCH_USER);
		if (!user || user->pw_uid == 0) {
			error_set(err, ERR_DENIED, "there is no user %s to run as", FETCH_USER);
			error_hint(err, "make it: adduser --system --group --no-create-home %s",
				   FETCH_USER);
			return ERR_DENIED;
		}
	}
	r = file_make_dirs(folder, 0755, err);
	if (r == 0)
		r = own_folder(folder, user ? user->pw_uid : geteuid(),
			       user ? user->pw_gid : getegid(), err);
	if (r == 0 && user)
		r = become(user, err);
	return r;
}

int privileges_limit(struct error *err)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, DESCRIPTORS_MAX },
		{ RLIMIT_FSIZE, FETCH_BODY_MAX },
		{ RLIMIT_DATA, DATA_MAX },
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "giving up privileges");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) < 0)
			return error_set_errno(err, errno, "setting a limit");
		limit.rlim_max = MIN(limit.rlim_max, limits[i].value);
		limit.rlim_cur = MIN(limit.rlim_cur, limit.rlim_max);
		if (setrlimit(limits[i].resource, &limit) < 0)
			return error_set_errno(err, errno, "setting a limit");
	}
	/* A file over its limit is then an error like any other. */
	signal(SIGXFSZ, SIG_IGN);
	umask(077);
	return 0;
}
