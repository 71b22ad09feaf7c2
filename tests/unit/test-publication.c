/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/repo/publication.h: only the bytes that were verified are written. */
#include "tuf_repo.h"

#include "repo/publication.h"

static const char *const paths[] = {
	"metadata/timestamp.json",
	"metadata/1.root.json",
	"metadata/1.snapshot.json",
	"metadata/1.targets.json",
};

/* As a walk notes it. */
static void note(struct repo *repo, struct walk_file *file, const char *path)
{
	struct buf data = BUF_INIT(TUF_MAX_LISTED);

	assert_ok(tuf_fetch_folder(repo->dir, path, data.max, &data, &repo->err), &repo->err);
	file->path = (char *)path;
	file->len = data.len;
	assert_int_equal(hash_sha256_hex(data.data, data.len, file->sha256), 0);
	buf_free(&data);
}

static void what_changed_since_is_not_written(void **state _unused_)
{
	struct walk_file files[ARRAY_SIZE(paths)];
	struct walk_result what = { .files = files, .n_files = ARRAY_SIZE(files) };
	struct repo repo;
	char *first, *second, *there;
	struct publication p;

	repo_make(&repo);
	first = path_join(repo.dir, "first", NULL);
	second = path_join(repo.dir, "second", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		note(&repo, &files[i], paths[i]);
	p = (struct publication){ .from = repo.dir, .to = first, .what = &what };
	assert_ok(publication_run(&p, &repo.err), &repo.err);
	assert_int_equal(p.copied, ARRAY_SIZE(files));
	assert_ok(publication_run(&p, &repo.err), &repo.err);
	assert_int_equal(p.kept, ARRAY_SIZE(files));
	/* A medium that says another thing the second time, of the same length. */
	files[3].sha256[0] = files[3].sha256[0] == '0' ? '1' : '0';
	p = (struct publication){ .from = repo.dir, .to = second, .what = &what };
	assert_int_equal(publication_run(&p, &repo.err), ERR_HASH);
	there = path_join(second, paths[3], NULL);
	assert_false(file_exists(there));
	free(there);
	there = path_join(second, paths[0], NULL);
	assert_false(file_exists(there));
	free(there);
	free(first);
	free(second);
	repo_free(&repo);
}

/* Over what a client takes without a signed length: it counts all the same. */
static void a_large_snapshot_is_compared(void **state _unused_)
{
	static const char *const next[] = {
		"metadata/timestamp.json",
		"metadata/1.root.json",
		"metadata/2.snapshot.json",
		"metadata/1.targets.json",
	};
	struct walk_file files[ARRAY_SIZE(next)];
	struct walk_result what = { .files = files, .n_files = ARRAY_SIZE(files) };
	struct publication p = { .what = &what };
	struct repo repo;
	char *to;

	repo_make(&repo);
	to = path_join(repo.dir, "to", NULL);
	p.from = repo.dir;
	p.to = to;
	repo_set_version(&repo, repo.targets, 2);
	repo_fill(repo.snapshot, TUF_MAX_SNAPSHOT);
	repo_publish(&repo);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		note(&repo, &files[i], paths[i]);
	assert_ok(publication_run(&p, &repo.err), &repo.err);
	/* A newer snapshot that names older targets than that one. */
	repo_set_version(&repo, repo.targets, 1);
	repo_set_version(&repo, repo.snapshot, 2);
	repo_set_version(&repo, repo.timestamp, 2);
	repo_publish(&repo);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		note(&repo, &files[i], next[i]);
	assert_int_equal(publication_run(&p, &repo.err), ERR_ROLLBACK);
	assert_non_null(strstr(repo.err.message, "has targets.json 2, newer than ours, 1"));
	free(to);
	repo_free(&repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changed_since_is_not_written),
		cmocka_unit_test(a_large_snapshot_is_compared),
	};

	return cmocka_run_group_tests_name("publication", tests, NULL, NULL);
}
