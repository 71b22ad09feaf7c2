/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/server/incoming.h: each answer to a file that is sent, by what is there. */
#include "tuf_repo.h"

#include "server/incoming.h"

/* What is sent: metadata with a signature by `key`, besides those that it has. */
static void sends(struct repo *repo, struct tuf_metadata *md, int key, struct buf *data)
{
	assert_ok(tuf_metadata_sign(md, repo->keys[key], &repo->err), &repo->err);
	assert_ok(tuf_metadata_write(md, data, &repo->err), &repo->err);
}

/* Another body of the same version. */
static void change(struct repo *repo, struct tuf_metadata *md)
{
	assert_ok(tuf_metadata_set_expires(md, md->expires + 1, &repo->err), &repo->err);
}

/* ---- Roots ---- */

static void next_root(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 2);
	sends(repo, repo->root, KEY_ROOT, data);
}

static void root_of_other_keys(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "root", KEY_OTHER);
	sends(repo, repo->root, KEY_OTHER, data);
}

static void root_not_signed_by_its_keys(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "root", KEY_OTHER);
	sends(repo, repo->root, KEY_ROOT, data);
}

static void root_after_a_gap(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 3);
	sends(repo, repo->root, KEY_ROOT, data);
}

static void same_root(struct repo *repo, struct buf *data)
{
	next_root(repo, data);
	repo_publish_root(repo);
}

static void another_root(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 2);
	repo_publish_root(repo);
	change(repo, repo->root);
	sends(repo, repo->root, KEY_ROOT, data);
}

static void another_first_root(struct repo *repo, struct buf *data)
{
	change(repo, repo->root);
	sends(repo, repo->root, KEY_ROOT, data);
}

static void root_for_a_damaged_one(struct repo *repo, struct buf *data)
{
	repo_write_at(repo, "metadata/2.root.json", "{}", 2);
	next_root(repo, data);
}

static void root_for_one_that_is_not_signed(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->root, 2);
	repo_put(repo, repo->root, KEY_OTHER, "root", true, NULL);
	change(repo, repo->root);
	sends(repo, repo->root, KEY_ROOT, data);
}

/* ---- Timestamps ---- */

static void next_timestamp(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->timestamp, 2);
	sends(repo, repo->timestamp, KEY_TIMESTAMP, data);
}

static void same_timestamp(struct repo *repo, struct buf *data)
{
	sends(repo, repo->timestamp, KEY_TIMESTAMP, data);
}

static void timestamp_of_another_key(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->timestamp, 2);
	sends(repo, repo->timestamp, KEY_OTHER, data);
}

static void older_timestamp(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->timestamp, 2);
	repo_publish_timestamp(repo);
	repo_set_version(repo, repo->timestamp, 1);
	sends(repo, repo->timestamp, KEY_TIMESTAMP, data);
}

static void another_timestamp(struct repo *repo, struct buf *data)
{
	change(repo, repo->timestamp);
	sends(repo, repo->timestamp, KEY_TIMESTAMP, data);
}

/* From root 2 on, KEY_OTHER signs the timestamp. */
static void rotate_timestamp(struct repo *repo)
{
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "timestamp", KEY_OTHER);
	repo_publish_root(repo);
}

static void timestamp_of_the_key_before(struct repo *repo, struct buf *data)
{
	rotate_timestamp(repo);
	next_timestamp(repo, data);
}

static void timestamp_of_the_new_key(struct repo *repo, struct buf *data)
{
	rotate_timestamp(repo);
	timestamp_of_another_key(repo, data);
}

/* 9 is there, and so is another body of the version that is sent later. */
static void timestamp_below_one_of_the_key_before(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->timestamp, 9);
	repo_publish_timestamp(repo);
	timestamp_of_the_new_key(repo, data);
}

static void timestamp_beside_one_of_the_key_before(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->timestamp, 2);
	repo_publish_timestamp(repo);
	change(repo, repo->timestamp);
	timestamp_of_the_new_key(repo, data);
}

/* No client follows a root 3 that is served as 2. */
static void timestamp_of_a_root_of_another_version(struct repo *repo, struct buf *data)
{
	_cleanup_buf_ struct buf root = BUF_INIT(TUF_MAX_ROOT);

	repo_set_version(repo, repo->root, 3);
	repo_set_root_role(repo, "timestamp", KEY_OTHER);
	sends(repo, repo->root, KEY_ROOT, &root);
	repo_write_at(repo, "metadata/2.root.json", root.data, root.len);
	timestamp_of_another_key(repo, data);
}

static void timestamp_without_a_root(struct repo *repo, struct buf *data)
{
	repo_remove(repo, "metadata/1.root.json");
	next_timestamp(repo, data);
}

/* ---- Snapshot and roles ---- */

static void next_targets(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->targets, 2);
	sends(repo, repo->targets, KEY_TARGETS, data);
}

static void targets_that_are_gone(struct repo *repo, struct buf *data)
{
	sends(repo, repo->targets, KEY_TARGETS, data);
	repo_remove(repo, "metadata/1.targets.json");
}

static void another_targets(struct repo *repo, struct buf *data)
{
	change(repo, repo->targets);
	sends(repo, repo->targets, KEY_TARGETS, data);
}

static void older_targets(struct repo *repo, struct buf *data)
{
	sends(repo, repo->targets, KEY_TARGETS, data);
	repo_publish_next(repo);
}

static void another_older_targets(struct repo *repo, struct buf *data)
{
	repo_publish_next(repo);
	repo_set_version(repo, repo->targets, 1);
	another_targets(repo, data);
}

static void another_older_targets_that_are_gone(struct repo *repo, struct buf *data)
{
	another_older_targets(repo, data);
	repo_remove(repo, "metadata/1.targets.json");
}

/* Over what a client takes without a signed length. */
static void another_large_older_targets(struct repo *repo, struct buf *data)
{
	repo_fill(repo->targets, TUF_MAX_TARGETS);
	repo_publish(repo);
	another_older_targets(repo, data);
}

static void another_targets_in_a_large_snapshot(struct repo *repo, struct buf *data)
{
	repo_fill(repo->snapshot, TUF_MAX_SNAPSHOT);
	repo_publish_snapshot(repo);
	another_targets(repo, data);
}

static void next_snapshot(struct repo *repo, struct buf *data)
{
	repo_set_version(repo, repo->snapshot, 2);
	sends(repo, repo->snapshot, KEY_SNAPSHOT, data);
}

static void another_snapshot(struct repo *repo, struct buf *data)
{
	change(repo, repo->snapshot);
	sends(repo, repo->snapshot, KEY_SNAPSHOT, data);
}

static void another_older_snapshot(struct repo *repo, struct buf *data)
{
	repo_publish_next(repo);
	repo_set_version(repo, repo->snapshot, 1);
	another_snapshot(repo, data);
}

static const struct call {
	const char *what;
	void (*given)(struct repo *repo, struct buf *data); /* what is there, and what is sent */
	const char *path;
	int code;
	const char *says; /* in the message; NULL: nothing */
} calls[] = {
	{ "the next root", next_root, "metadata/2.root.json", 0, NULL },
	{ "a root that the one before did not sign", root_of_other_keys, "metadata/2.root.json",
	  ERR_DENIED, "signature" },
	{ "a root that did not sign itself", root_not_signed_by_its_keys, "metadata/2.root.json",
	  ERR_DENIED, "signature" },
	{ "a root after a gap", root_after_a_gap, "metadata/3.root.json", ERR_BAD_STATE,
	  "the root before it is not here" },
	{ "a root again", same_root, "metadata/2.root.json", 0, NULL },
	{ "another root", another_root, "metadata/2.root.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "another first root", another_first_root, "metadata/1.root.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "a root for a damaged one", root_for_a_damaged_one, "metadata/2.root.json", 0, NULL },
	{ "a root for one that is not signed", root_for_one_that_is_not_signed,
	  "metadata/2.root.json", 0, NULL },
	{ "a root under another version", next_root, "metadata/3.root.json", ERR_INVALID,
	  "another version" },
	{ "a root under another number", next_root, "metadata/02.root.json", ERR_INVALID,
	  "another version" },

	{ "the next timestamp", next_timestamp, "metadata/timestamp.json", 0, NULL },
	{ "a timestamp again", same_timestamp, "metadata/timestamp.json", 0, NULL },
	{ "a timestamp of another key", timestamp_of_another_key, "metadata/timestamp.json",
	  ERR_DENIED, "signature" },
	{ "an older timestamp", older_timestamp, "metadata/timestamp.json", ERR_BAD_STATE,
	  "timestamp 2 is here, newer than 1" },
	{ "another timestamp", another_timestamp, "metadata/timestamp.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "a timestamp of the key before", timestamp_of_the_key_before, "metadata/timestamp.json",
	  ERR_DENIED, "signature" },
	{ "a timestamp of the new key", timestamp_of_the_new_key, "metadata/timestamp.json", 0,
	  NULL },
	{ "a timestamp below one of the key before", timestamp_below_one_of_the_key_before,
	  "metadata/timestamp.json", 0, NULL },
	{ "a timestamp beside one of the key before", timestamp_beside_one_of_the_key_before,
	  "metadata/timestamp.json", 0, NULL },
	{ "a timestamp of a root of another version", timestamp_of_a_root_of_another_version,
	  "metadata/timestamp.json", ERR_DENIED, "signature" },
	{ "a timestamp without a root", timestamp_without_a_root, "metadata/timestamp.json",
	  ERR_BAD_STATE, "no root is here" },

	{ "the next targets", next_targets, "metadata/2.targets.json", 0, NULL },
	{ "targets that are gone", targets_that_are_gone, "metadata/1.targets.json", 0, NULL },
	{ "other targets", another_targets, "metadata/1.targets.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "older targets again", older_targets, "metadata/1.targets.json", 0, NULL },
	{ "other older targets", another_older_targets, "metadata/1.targets.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "other older targets that are gone", another_older_targets_that_are_gone,
	  "metadata/1.targets.json", 0, NULL },
	{ "a role that is not listed", another_targets, "metadata/1.other.json", 0, NULL },
	{ "other older targets that are large", another_large_older_targets,
	  "metadata/1.targets.json", ERR_BAD_STATE, "another one of this version" },
	{ "other targets in a large snapshot", another_targets_in_a_large_snapshot,
	  "metadata/1.targets.json", ERR_BAD_STATE, "another one of this version" },
	{ "the next snapshot", next_snapshot, "metadata/2.snapshot.json", 0, NULL },
	{ "another snapshot", another_snapshot, "metadata/1.snapshot.json", ERR_BAD_STATE,
	  "another one of this version" },
	{ "another older snapshot", another_older_snapshot, "metadata/1.snapshot.json",
	  ERR_BAD_STATE, "another one of this version" },
};

static void each_file_has_its_answer(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *call = &calls[i];
		_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_LISTED);
		struct error err = { 0 };
		struct repo repo;
		int r;

		repo_make(&repo);
		call->given(&repo, &data);
		r = incoming_check(repo.dir, call->path, &data, &err);
		if (r != call->code || (call->says && !strstr(err.message, call->says)))
			fail_msg("%s: %d, \"%s\"", call->what, r, err.message);
		repo_free(&repo);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_has_its_answer),
	};

	return cmocka_run_group_tests_name("server-incoming", tests, NULL, NULL);
}
