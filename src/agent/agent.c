/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"

#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/keys.h"
#include "agent/status.h"
#include "agent/trust.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "wire/event.h"

static int make_folders(const struct agent *agent, struct error *err)
{
	int r;

	if ((r = file_make_dirs(agent->paths.state, 0700, err)) < 0 ||
	    (r = file_make_dirs(agent->paths.modules, 0700, err)) < 0)
		return r;
	return file_make_dirs(agent->paths.run, 0755, err);
}

/* Two of them would take steps behind each other's back. The lock ends with the process. */
static int take_lock(struct agent *agent, struct error *err)
{
	_cleanup_free_ char *path = path_join(agent->paths.run, "sutured.lock", NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	agent->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (agent->lock_fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (flock(agent->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? error_set(err, ERR_EXISTS, "sutured is already running")
			       : error_set_errno(err, errno, "%s", path);
	return 0;
}

/* Of writes that a power cut ended; under the lock nobody else writes. The metadata's folder is
 * tidied by its client. */
static void tidy_folders(const struct agent *agent)
{
	const struct settings_paths *paths = &agent->paths;
	const char *const folders[] = { paths->state, paths->modules, paths->trust, paths->run };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (file_remove_leftovers(folders[i], &err) < 0)
			log_warning("%s", err.message);
}

/* An unknown user means that no fetcher can connect; sutured itself works without one. */
static int open_fetcher(struct agent *agent, struct error *err)
{
	const char *name = config_str(agent->config, "fetch-user");
	const struct passwd *user = getpwnam(name);

	if (!user)
		log_warning("no user %s: nothing can be fetched", name);
	return fetcher_new(agent->paths.fetch, user ? user->pw_uid : (uid_t)-1,
			   user ? user->pw_gid : 0, agent->cancel_fd, &agent->fetcher, err);
}

/* A role that is no tier must not be followed as one. */
static int check_tier(const struct config *config, struct error *err)
{
	static const char *const others[] = { "root", "targets", "snapshot", "timestamp",
					      "recall" };
	const char *tier = config_str(config, "tier");
	bool good = !tier || !tier[0] || tier_is_valid(tier);

	for (size_t i = 0; good && tier && i < ARRAY_SIZE(others); i++)
		good = !streq(tier, others[i]);
	return good ? 0 : error_set(err, ERR_INVALID, "suture.conf: %s is not a tier", tier);
}

static int open_all(struct agent *agent, const char *root, struct error *err)
{
	int r;

	if ((r = settings_paths_init(&agent->paths, root, err)) < 0 ||
	    (r = config_load(agent->paths.config, settings_keys, &agent->config, err)) < 0 ||
	    (r = check_tier(agent->config, err)) < 0 ||
	    (r = kernel_facts_read(agent->paths.root, &agent->facts, err)) < 0 ||
	    (r = make_folders(agent, err)) < 0 || (r = take_lock(agent, err)) < 0)
		return r;
	tidy_folders(agent);
	r = journal_load(agent->paths.journal, &agent->journal, err);
	if (r < 0)
		return r;
	if (agent->journal->machine_id[0]) {
		r = trust_load_bundle(&agent->paths, &agent->bundle, err);
		if (r < 0)
			return r;
		trust_note_dates(agent, NULL);
	}
	keys_refresh(agent);
	agent->listener = listener_new(agent->paths.root);
	if (!agent->listener)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return open_fetcher(agent, err);
}

int agent_open(const char *root, int cancel_fd, struct agent **ret, struct error *err)
{
	_cleanup_(agent_freep) struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	agent->lock_fd = -1;
	agent->cancel_fd = cancel_fd;
	agent->code_check = KERNEL_CODE_NONE;
	agent->covered = KERNEL_UNKNOWN;
	r = open_all(agent, root, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(agent);
	return 0;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	fetcher_free(agent->fetcher);
	listener_free(agent->listener);
	bundle_free(agent->bundle);
	config_free(agent->config);
	json_decref(agent->applied.cves);
	json_decref(agent->module_keys);
	free(agent->journal);
	settings_paths_clear(&agent->paths);
	closep(&agent->lock_fd);
	free(agent);
}

bool agent_is_enabled(const struct agent *agent)
{
	return agent->journal->machine_id[0] && agent->bundle;
}

const char *agent_tier(const struct agent *agent)
{
	const char *local = config_str(agent->config, "tier");

	return local && local[0] ? local : agent->journal->tier;
}

int64_t agent_now(const struct agent *agent)
{
	return MAX(clock_now(), agent->journal->time_floor);
}

struct journal *agent_draft(struct agent *agent, struct error *err)
{
	struct journal *draft = journal_copy(agent->journal);

	if (!draft)
		error_set(err, ERR_NO_MEMORY, "out of memory");
	return draft;
}

static void publish(const struct agent *agent)
{
	struct error err = { 0 };

	if (status_publish(agent, &err) < 0)
		log_warning("%s", err.message);
}

/*
 * A load whose end is not on the disk looks, after a reboot, like one that the machine went down
 * in. So before it begins there is a file that makes room for the journal by going: as large as the
 * journal, since the old one is there until the new one is whole, and what the step adds to it. It
 * stays for the next step.
 */
#define RESERVE_FILE   "journal.reserve"
#define RESERVE_MARGIN (64 * 1024)

static int make_reserve(const struct agent *agent, struct error *err)
{
	_cleanup_free_ char *path = path_join(agent->paths.state, RESERVE_FILE, NULL);
	_cleanup_close_ int fd = -1;
	struct stat st = { 0 };
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (stat(agent->paths.journal, &st) < 0)
		st.st_size = 0;
	r = posix_fallocate(fd, 0, st.st_size + RESERVE_MARGIN);
	/* Anything else is a file system that cannot promise room. */
	if (r != ENOSPC && r != EDQUOT)
		return 0;
	unlink(path);
	error_set_errno(err, r, "%s", path);
	error_hint(err, "free space on the file system of %s; nothing was changed",
		   agent->paths.state);
	return -r;
}

static bool spend_reserve(const struct agent *agent)
{
	_cleanup_free_ char *path = path_join(agent->paths.state, RESERVE_FILE, NULL);

	return path && unlink(path) == 0;
}

static int check_order(const struct agent *agent, const struct journal *draft, struct error *err)
{
	if (state_may_follow(agent->journal->state, draft->state))
		return 0;
	return error_set(err, ERR_BAD_STATE, "a machine does not go from %s to %s",
			 machine_state_name(agent->journal->state),
			 machine_state_name(draft->state));
}

int agent_commit(struct agent *agent, struct journal *draft, struct error *err)
{
	_cleanup_free_ struct journal *owned = draft;
	int r = check_order(agent, owned, err);

	if (r < 0)
		return r;
	if (owned->step.action == JOURNAL_LOAD && agent->journal->step.action == JOURNAL_NONE &&
	    (r = make_reserve(agent, err)) < 0)
		return r;
	r = journal_save(owned, agent->paths.journal, err);
	if (r < 0)
		return r;
	free(agent->journal);
	agent->journal = TAKE_PTR(owned);
	publish(agent);
	return 0;
}

/* What is true in any case: on the disk if there is room, also with the last of it, else in memory.
 */
static void take_over(struct agent *agent, struct journal *owned, bool spend)
{
	struct error err = { 0 };
	int r = journal_save(owned, agent->paths.journal, &err);

	if (spend && (r == -ENOSPC || r == -EDQUOT) && spend_reserve(agent))
		r = journal_save(owned, agent->paths.journal, &err);
	if (r < 0)
		log_error("%s (kept in memory until the next change)", err.message);
	free(agent->journal);
	agent->journal = owned;
	publish(agent);
}

void agent_commit_done(struct agent *agent, struct journal *draft)
{
	_cleanup_free_ struct journal *owned = draft;
	bool in_step = agent->journal->step.action != JOURNAL_NONE;
	struct error err = { 0 };

	/* What breaks the invariants could never be written, nor anything after it. */
	if (journal_check(owned, &err) < 0) {
		log_error("%s: not taken over", err.message);
		return;
	}
	take_over(agent, TAKE_PTR(owned), in_step);
}

int agent_commit_anyway(struct agent *agent, struct journal *draft, struct error *err)
{
	_cleanup_free_ struct journal *owned = draft;
	int r = check_order(agent, owned, err);

	if (r == 0)
		r = journal_check(owned, err);
	if (r == 0)
		take_over(agent, TAKE_PTR(owned), true);
	return r;
}

int agent_move(struct agent *agent, enum machine_state state, const char *event,
	       const struct patch_version *version, const struct error *failure, struct error *err)
{
	struct journal *draft = agent_draft(agent, err);

	if (!draft)
		return ERR_NO_MEMORY;
	draft->state = state;
	if (failure)
		journal_set_failure(draft, failure);
	if (event)
		journal_add_event(draft, event, version, failure);
	return agent_commit(agent, draft, err);
}

bool agent_applied_is_bad(const struct agent *agent)
{
	return agent->applied.present &&
	       journal_is_quarantined(agent->journal, agent->applied.version, agent->facts.release);
}

/* Has there been an oops in what is applied, since it was? */
static bool applied_has_crashed(const struct agent *agent)
{
	const struct journal *j = agent->journal;

	for (size_t i = j->n_history; agent->applied.present && i-- > 0;) {
		const struct journal_event *e = &j->history[i];

		if (!e->has_version ||
		    patch_version_compare(e->version, agent->applied.version) != 0)
			continue;
		if (streq(e->event, EVENT_CRASHED))
			return true;
		if (streq(e->event, EVENT_APPLIED) || streq(e->event, EVENT_RETRY))
			return false;
	}
	return false;
}

/* Is the last failure one that its owner must know as long as the patch is in the kernel? */
static bool failure_stays(const struct agent *agent)
{
	return agent_applied_is_bad(agent) ||
	       (streq(agent->journal->failure.code, error_code_name(ERR_CRASHED)) &&
		applied_has_crashed(agent));
}

void agent_end(struct agent *agent, enum machine_state state, const char *event,
	       const struct patch_version *version, const struct error *failure)
{
	struct error err = { 0 };
	struct journal *draft;

	if (agent->journal->step.action != JOURNAL_NONE) {
		log_error("%s: %s, but the step with the kernel is open", machine_state_name(state),
			  failure ? failure->message : "no failure");
		return;
	}
	draft = agent_draft(agent, &err);
	if (!draft) {
		log_error("%s", err.message);
		agent->journal->state = state;
		return;
	}
	draft->state = state;
	if (failure || !failure_stays(agent))
		journal_set_failure(draft, failure);
	if (event)
		journal_add_event(draft, event, version, failure);
	agent_commit_done(agent, draft);
}

enum machine_state agent_rest(const struct agent *agent)
{
	if (agent->applied.present)
		return agent_applied_is_bad(agent) ? MACHINE_QUARANTINED : MACHINE_APPLIED;
	return agent->journal->has_avoid ? MACHINE_REVERTED : MACHINE_UNAPPLIED;
}

int agent_settle(struct agent *agent, struct error *err)
{
	enum machine_state state = agent_rest(agent);
	bool stays = failure_stays(agent);
	struct journal *draft;

	if (agent->journal->state == state && (stays || !agent->journal->failure.code[0]))
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->state = state;
	if (!stays)
		journal_set_failure(draft, NULL);
	return agent_commit(agent, draft, err);
}
