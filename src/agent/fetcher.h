/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetcher as sutured sees it: somebody at the other end of a socket who hands over bytes.
 * sutured makes the socket and listens; a process of the fetcher's user connects; the newest
 * connection counts. One request at a time, from one thread.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct fetcher;

/*
 * Makes the socket at `path` (0660, group `gid`; one that is left over is replaced) and listens.
 * Only processes of user `uid` are talked to. `cancel_fd` (or -1) ends every wait when it becomes
 * readable (-ECANCELED). The caller frees with fetcher_free(), which removes the socket.
 */
int fetcher_new(const char *path, uid_t uid, gid_t gid, int cancel_fd, struct fetcher **ret,
		struct error *err);
void fetcher_free(struct fetcher *fetcher);
DEFINE_CLEANUP(struct fetcher *, fetcher_free);

/* A job begins: from now on all its requests together have so many milliseconds (ERR_TIMEOUT beyond
 * them), and an earlier fetcher_give_way() is forgotten. */
void fetcher_begin(struct fetcher *fetcher, int budget_ms);
/* From any thread: the job that is under way gets no more answers (-ECANCELED). */
void fetcher_give_way(struct fetcher *fetcher);

/*
 * GET of a path below the server's URL; at most `max` bytes are appended to `out`. `ret_status`
 * gets the HTTP status and may be NULL: then only 200 is a success. Errors: ERR_UNREACHABLE when no
 * fetcher runs, ERR_TIMEOUT, what the fetcher says (ERR_UNTRUSTED, ERR_NOT_FOUND, ERR_DENIED,
 * ERR_BAD_STATE, …; its words are marked as its own), ERR_PROTOCOL and ERR_TOO_LARGE when it breaks
 * the rules, -ECANCELED when it was not waited for.
 */
int fetcher_get(struct fetcher *fetcher, const char *path, size_t max, struct buf *out,
		int *ret_status, struct error *err);
/* The same of a file of the repository: storage that may not be listed answers 403 for what is not
 * there, so that is ERR_NOT_FOUND too. */
int fetcher_get_file(struct fetcher *fetcher, const char *path, size_t max, struct buf *out,
		     struct error *err);
/* POST of a JSON object with the machine's certificate. Same errors; `body` stays the caller's. */
int fetcher_post(struct fetcher *fetcher, const char *path, json_t *body, size_t max,
		 struct buf *out, int *ret_status, struct error *err);
/* The trust bundle from a server that nobody vouches for yet. */
int fetcher_bundle(struct fetcher *fetcher, const char *url, size_t max, struct buf *out,
		   struct error *err);
/* Makes a key and enrols at `url`; the server's answer is appended to `out`. */
int fetcher_enrol(struct fetcher *fetcher, const char *url, const char *server_ca, json_t *body,
		  struct buf *out, int *ret_status, struct error *err);
/* Waits until a fetcher is connected, at most ten seconds: ERR_UNREACHABLE, and how to start it. */
int fetcher_reach(struct fetcher *fetcher, struct error *err);
/* Deletes key, certificate, URL and CA. */
int fetcher_forget(struct fetcher *fetcher, struct error *err);
