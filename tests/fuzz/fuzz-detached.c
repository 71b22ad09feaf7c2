/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detached signatures of any bytes, merged into a change of one role that waits: nothing gets in
 * that is not by its key over its bytes. */
#include "base/json.h"
#include "repo/pending.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" /* of RFC 8032 */

static struct tuf_metadata *make(enum tuf_type type, int64_t version)
{
	struct tuf_metadata *md = NULL;

	if (tuf_metadata_new(type, INT64_C(1750000000), &md, NULL) < 0 ||
	    tuf_metadata_set_version(md, version, NULL) < 0)
		abort();
	return md;
}

/* Root 1 with one key for `targets`; targets 2 waits. */
static void fill(struct repository *repo)
{
	_cleanup_json_ json_t *object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ed25519",
						  "scheme", "ed25519", "keyval", "public", KEY);
	_cleanup_tuf_key_ struct tuf_key *key = NULL;

	if (tuf_key_from_json(object, &key, NULL) < 0)
		abort();
	repo->root = make(TUF_ROOT, 1);
	repo->targets = make(TUF_TARGETS, 2);
	repo->targets_before = make(TUF_TARGETS, 1);
	if (tuf_root_set_role(repo->root, "targets", (const struct tuf_key *const[]){ key }, 1, 1,
			      NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct repository repo = { .lock_fd = -1 };
	size_t have = 0, want = 0;

	fill(&repo);
	(void)pending_merge(&repo, data, size, &(size_t){ 0 }, NULL);
	if (pending_count(&repo, repo.targets, "targets", &have, &want, NULL) < 0 || have != 0 ||
	    want != 1)
		abort();
	tuf_metadata_free(repo.root);
	tuf_metadata_free(repo.targets);
	tuf_metadata_free(repo.targets_before);
	return 0;
}
