/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/patch.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>

#include "agent/keys.h"
#include "base/file.h"
#include "base/log.h"
#include "kernel/module.h"
#include "kernel/tracers.h"
#include "module/modinfo.h"
#include "module/signature.h"

DEFINE_CLEANUP(DIR *, closedir);

static int seal_and_map(struct patch *patch, const struct buf *module, struct error *err)
{
	void *data;
	int r;

	if (module->len == 0 || module->len > PATCH_MODULE_MAX)
		return error_set(err, ERR_TOO_LARGE, "module %s: %zu bytes", patch->claim.module,
				 module->len);
	r = kernel_module_seal(patch->claim.module, module->data, module->len, &patch->fd, err);
	if (r < 0)
		return r;
	data = mmap(NULL, module->len, PROT_READ, MAP_PRIVATE, patch->fd, 0);
	if (data == MAP_FAILED)
		return error_set_errno(err, errno, "mapping module %s", patch->claim.module);
	patch->data = data;
	patch->len = module->len;
	return 0;
}

static int check_sealed(const struct patch *patch, struct error *err)
{
	const struct patch_claim *claim = &patch->claim;
	char hash[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(patch->data, patch->len, hash) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if ((int64_t)patch->len != claim->length || !streq(hash, claim->sha256))
		return error_set(err, ERR_HASH, "module %s: not the bytes that were signed",
				 claim->module);
	return 0;
}

int patch_new(const struct patch_claim *claim, const struct buf *module, const struct buf *record,
	      struct patch **ret, struct error *err)
{
	_cleanup_(patch_freep) struct patch *patch = calloc(1, sizeof(*patch));
	int r;

	if (!patch)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	patch->fd = -1;
	patch->claim = *claim;
	if ((r = seal_and_map(patch, module, err)) < 0 || (r = check_sealed(patch, err)) < 0)
		return r;
	r = record_parse(record->data, record->len, &patch->record, err);
	if (r < 0)
		return error_prefix(err, r, "build record");
	patch->record_bytes = malloc(record->len);
	if (!patch->record_bytes)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	memcpy(patch->record_bytes, record->data, record->len);
	patch->record_len = record->len;
	*ret = TAKE_PTR(patch);
	return 0;
}

void patch_free(struct patch *patch)
{
	if (!patch)
		return;
	if (patch->data)
		munmap((void *)patch->data, patch->len);
	if (patch->fd >= 0)
		close(patch->fd);
	record_free(patch->record);
	free(patch->record_bytes);
	free(patch);
}

static int verify_signature(const struct agent *agent, const struct patch *patch, struct error *err)
{
	struct signature_signer signer;
	int r = signature_verify(
		patch->data, patch->len, (const char *const *)agent->bundle->module_certificates,
		agent->bundle->n_module_certificates, patch->claim.published, &signer, err);

	if (r < 0)
		return error_prefix(err, r, "module %s", patch->claim.module);
	log_info("%s: signed by %s, key %s", patch->claim.module, signer.subject, signer.key_id);
	return keys_check_module(agent, patch, signer.key_id, err);
}

/* The record's claims against what is known otherwise. */
static int verify_record(const struct agent *agent, const struct patch *patch, struct error *err)
{
	const struct record *record = patch->record;
	struct signature_parts parts;
	char version[PATCH_VERSION_MAX], hash[SHA256_HEX_LEN + 1];
	int r;

	patch_version_format(patch->claim.version, version);
	if (!streq(record->kernel, agent->facts.release) ||
	    !streq(record->build_id, agent->facts.build_id))
		return error_set(err, ERR_WRONG_KERNEL,
				 "patch %s was built for kernel %s, build %.12s…", version,
				 record->kernel, record->build_id);
	if (!streq(record->version, version) || !streq(record->module, patch->claim.module))
		return error_set(err, ERR_INVALID, "the build record is of %s (%s), not of %s",
				 record->module, record->version, patch->claim.module);
	r = signature_split(patch->data, patch->len, &parts, err);
	if (r < 0)
		return r;
	if (hash_sha256_hex(parts.module, parts.module_len, hash) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!streq(hash, record->module_sha256))
		return error_set(err, ERR_HASH, "module %s is not the one of its build record",
				 patch->claim.module);
	return 0;
}

/* "6.1.0-56-amd64 SMP preempt mod_unload modversions ": the kernel compares all of it (but for the
 * release when CONFIG_MODVERSIONS is set); the release is what can be known here. */
static bool vermagic_fits(const char *vermagic, const char *release)
{
	size_t len = strlen(release);

	return strncmp(vermagic, release, len) == 0 && (vermagic[len] == ' ' || !vermagic[len]);
}

static int verify_modinfo(const struct agent *agent, const struct patch *patch, struct error *err)
{
	_cleanup_modinfo_ struct modinfo *info = NULL;
	const char *name = patch->claim.module;
	int r;

	r = modinfo_parse(patch->data, patch->len, name, &info, err);
	if (r < 0)
		return r;
	if (!info->name || !streq(info->name, name))
		return error_set(err, ERR_INVALID, "module %s calls itself %s", name,
				 info->name ? info->name : "nothing");
	if (!info->livepatch)
		return error_set(err, ERR_INVALID, "module %s is not a livepatch", name);
	if (!info->vermagic || !streq(info->vermagic, patch->record->vermagic))
		return error_set(err, ERR_INVALID, "module %s: vermagic is not the record's", name);
	r = record_check_code(patch->record, modinfo_get(info, RECORD_CODE_KEY), err);
	if (r < 0)
		return r;
	if (!vermagic_fits(info->vermagic, agent->facts.release))
		return error_set(err, ERR_WRONG_KERNEL, "module %s is for kernel %s", name,
				 info->vermagic);
	return 0;
}

/* Modules that are loaded now must be the build that the patch was made for. */
static int verify_objects(const struct agent *agent, const struct patch *patch, struct error *err)
{
	for (size_t i = 0; i < patch->record->n_objects; i++) {
		const struct record_object *object = &patch->record->objects[i];
		char build_id[KERNEL_BUILD_ID_MAX + 1];

		if (streq(object->name, "vmlinux") ||
		    !kernel_module_is_loaded(agent->paths.root, object->name))
			continue;
		if (kernel_module_build_id(agent->paths.root, object->name, build_id, err) < 0)
			return error_set(err, ERR_WRONG_KERNEL,
					 "module %s is loaded, but shows no build ID",
					 object->name);
		if (!streq(build_id, object->build_id)) {
			error_set(
				err, ERR_WRONG_KERNEL,
				"module %s is loaded as another build than the patch was made for",
				object->name);
			error_hint(err, "load the module of the kernel package");
			return ERR_WRONG_KERNEL;
		}
	}
	return 0;
}

static size_t count_functions(const struct record *record)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_objects; i++)
		n += record->objects[i].n_functions;
	return n;
}

/* The kernel would refuse it too, but only after the transition has been prepared. */
static int verify_tracers(const struct agent *agent, const struct patch *patch, struct error *err)
{
	const struct record *record = patch->record;
	_cleanup_free_ struct kernel_traced *functions =
		calloc(count_functions(record) + 1, sizeof(*functions));
	size_t n = 0;

	if (!functions)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t j = 0; j < record->objects[i].n_functions; j++)
			functions[n++] = (struct kernel_traced){
				.object = record->objects[i].name,
				.name = record->objects[i].functions[j].name,
			};
	return kernel_tracers_permit(agent->paths.root, functions, n, err);
}

int patch_verify(const struct agent *agent, const struct patch *patch, struct error *err)
{
	int r;

	if ((r = verify_signature(agent, patch, err)) < 0 ||
	    (r = verify_record(agent, patch, err)) < 0 ||
	    (r = verify_modinfo(agent, patch, err)) < 0 ||
	    (r = verify_objects(agent, patch, err)) < 0)
		return r;
	return verify_tracers(agent, patch, err);
}

static void describe(const struct record_object *object, const struct record_function *from,
		     struct kernel_function *to, struct kernel_mask *mask)
{
	for (size_t i = 0; i < from->n_mask; i++)
		mask[i] = (struct kernel_mask){ .offset = from->mask[i].offset,
						.length = from->mask[i].length };
	*to = (struct kernel_function){ .object = object->name,
					.name = from->name,
					.sympos = from->sympos,
					.size = from->size,
					.mask = mask,
					.n_mask = from->n_mask };
	if (hex_decode(from->sha256, SHA256_LEN, to->sha256) < 0)
		memset(to->sha256, 0, SHA256_LEN);
}

int patch_check_code(struct agent *agent, const struct patch *patch, struct error *err)
{
	const struct record *record = patch->record;
	_cleanup_free_ struct kernel_function *functions = NULL;
	_cleanup_free_ struct kernel_mask *masks = NULL;
	size_t n = 0, n_masks = 0, compared;
	int r;

	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t j = 0; j < record->objects[i].n_functions; j++)
			n_masks += record->objects[i].functions[j].n_mask;
	functions = calloc(count_functions(record) + 1, sizeof(*functions));
	masks = calloc(n_masks + 1, sizeof(*masks));
	if (!functions || !masks)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	n_masks = 0;
	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t j = 0; j < record->objects[i].n_functions; j++) {
			const struct record_function *f = &record->objects[i].functions[j];

			describe(&record->objects[i], f, &functions[n++], &masks[n_masks]);
			n_masks += f->n_mask;
		}
	r = kernel_code_check(agent->paths.root, functions, n, &agent->code_check, &compared, err);
	if (r < 0)
		return r;
	log_info("running code: %s, %zu of %zu functions compared",
		 kernel_code_verdict_name(agent->code_check), compared, n);
	return agent->code_check == KERNEL_CODE_DIFFERENT ? ERR_WRONG_KERNEL : 0;
}

static char *stored_path(const struct agent *agent, const char *sha256, const char *suffix)
{
	char name[SHA256_HEX_LEN + 8];

	snprintf(name, sizeof(name), "%s%s", sha256, suffix);
	return path_join(agent->paths.modules, name, NULL);
}

int patch_store(const struct agent *agent, const struct patch *patch, struct error *err)
{
	_cleanup_free_ char *module = stored_path(agent, patch->claim.sha256, ".ko");
	_cleanup_free_ char *record = stored_path(agent, patch->claim.sha256, ".json");
	int r;

	if (!module || !record)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_write_atomic(module, patch->data, patch->len, 0600, err);
	if (r == 0)
		r = file_write_atomic(record, patch->record_bytes, patch->record_len, 0600, err);
	if (r == -ENOSPC || r == -EDQUOT)
		error_hint(err, "free space on the file system of %s; nothing was changed",
			   agent->paths.state);
	return r;
}

int patch_load_stored(const struct agent *agent, const struct patch_claim *claim,
		      struct patch **ret, struct error *err)
{
	_cleanup_buf_ struct buf module = BUF_INIT(PATCH_MODULE_MAX);
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);
	_cleanup_free_ char *module_path = stored_path(agent, claim->sha256, ".ko");
	_cleanup_free_ char *record_path = stored_path(agent, claim->sha256, ".json");
	int r;

	if (!module_path || !record_path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if ((r = file_read(module_path, &module, err)) < 0 ||
	    (r = file_read(record_path, &record, err)) < 0)
		return r;
	return patch_new(claim, &module, &record, ret, err);
}

static bool is_needed(const struct agent *agent, const char *name)
{
	const struct journal *j = agent->journal;

	if (j->accepted.present && strncmp(name, j->accepted.sha256, SHA256_HEX_LEN) == 0)
		return true;
	return j->step.action != JOURNAL_NONE && strncmp(name, j->step.sha256, SHA256_HEX_LEN) == 0;
}

void patch_collect_garbage(const struct agent *agent)
{
	_cleanup_(closedirp) DIR *dir = opendir(agent->paths.modules);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_REG && !is_needed(agent, entry->d_name) &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			log_warning("%s/%s: not removed", agent->paths.modules, entry->d_name);
}
