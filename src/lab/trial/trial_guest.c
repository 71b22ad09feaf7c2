// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/trial_guest.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "kernel/notes.h"
#include "lab/guest/guest_module.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/secure_boot.h"
#include "lab/guest/work_folder.h"
#include "lab/trial/livepatch_file.h"

#define FUNCTIONS_MAX (512 * 1024)

int trial_guest_open(const struct trial_options *o, struct trial *trial, struct trial_guest *ret,
		     struct error *err)
{
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);

	*ret = (struct trial_guest){
		.o = o,
		.trial = trial,
		.accel = o->guest.accel,
		.module = BUF_INIT(MODULE_FILE_MAX),
	};
	int r = file_read(o->module, &ret->module, err);

	if (r == 0 && o->build_record) {
		r = file_read(o->build_record, &record, err);
		if (r == 0)
			r = record_parse(record.data, record.len, &ret->record, err);
		if (r < 0)
			error_prefix(err, r, "%s", o->build_record);
	}
	for (size_t i = 0; r >= 0 && o->guest.load && o->guest.load[i]; i++)
		r = path_list_add(&ret->load, o->guest.load[i]);
	if (r >= 0 && o->guest.modules)
		r = livepatch_file_objects(ret->module.data, ret->module.len, &ret->target, err);
	for (size_t i = 0; r >= 0 && o->guest.modules && ret->record && i < ret->record->n_objects;
	     i++)
		if (!streq(ret->record->objects[i].name, "vmlinux"))
			r = path_list_add(&ret->target, ret->record->objects[i].name);
	for (size_t i = 0; r >= 0 && i < ret->target.n; i++)
		r = path_list_add(&ret->load, ret->target.items[i]);
	if (r < 0)
		trial_guest_close(ret);
	return r < 0 ? r : 0;
}

void trial_guest_close(struct trial_guest *t)
{
	trial_guest_drop(t);
	buf_free(&t->module);
	record_free(t->record);
	path_list_free(&t->load);
	path_list_free(&t->target);
	*t = (struct trial_guest){ 0 };
}

void trial_guest_drop(struct trial_guest *t)
{
	guest_free(t->guest);
	t->guest = NULL;
	work_folder_remove(t->dir);
	t->dir = NULL;
}

int trial_guest_taints(struct trial_guest *t, uint64_t *ret, struct error *err)
{
	static const char *const argv[] = { "cat", "/proc/sys/kernel/tainted", NULL };
	_cleanup_buf_ struct buf out = BUF_INIT(64);
	char *end;
	int r = guest_run_simple(t->guest, argv, TRIAL_COMMAND_MS, &out, err);

	if (r < 0)
		return r;
	*ret = strtoumax(buf_str(&out), &end, 10);
	return end != buf_str(&out) ? 0 : error_set(err, ERR_PROTOCOL, "taints: not a number");
}

static int read_identity(struct trial_guest *t, struct error *err)
{
	static const char *const argv[] = { "sh", "-c", "uname -r | tr -cd 'A-Za-z0-9._+~-'",
					    NULL };
	_cleanup_buf_ struct buf notes = BUF_INIT(64 * 1024), release = BUF_INIT(256);
	int r = guest_get(t->guest, "/sys/kernel/notes", &notes, err);

	if (r == 0)
		r = kernel_notes_build_id(notes.data, notes.len, t->trial->build_id);
	if (r == 0)
		r = guest_run_simple(t->guest, argv, TRIAL_COMMAND_MS, &release, err);
	if (r == 0)
		snprintf(t->trial->kernel, sizeof(t->trial->kernel), "%s", buf_str(&release));
	return r < 0 ? error_prefix(err, r, "identity of the kernel") : 0;
}

int trial_guest_put(struct trial_guest *t, const char *path, const void *data, size_t len,
		    struct error *err)
{
	_cleanup_free_ char *host = path_join(t->dir, "put", NULL);
	int r = host ? file_write_atomic(host, data, len, 0600, err)
		     : error_set(err, ERR_NO_MEMORY, "%s", path);

	return r < 0 ? r : guest_put(t->guest, host, path, err);
}

int trial_guest_put_module(struct trial_guest *t, const char *path, const void *data, size_t len,
			   struct error *err)
{
	_cleanup_buf_ struct buf with_signature = BUF_INIT(MODULE_FILE_MAX);

	if (!t->o->guest.secure_boot)
		return trial_guest_put(t, path, data, len, err);
	int r = secure_boot_sign_module(data, len, &with_signature, err);

	return r < 0 ? r : trial_guest_put(t, path, with_signature.data, with_signature.len, err);
}

static int put_earlier(struct trial_guest *t, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && t->o->earlier && t->o->earlier[i]; i++) {
		_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
		char path[64];

		snprintf(path, sizeof(path), "/lab/earlier/%03zu.ko", i);
		r = file_read(t->o->earlier[i], &module, err);
		if (r == 0)
			r = trial_guest_put_module(t, path, module.data, module.len, err);
	}
	return r;
}

/* /lab/facts, which cases/lib.sh reads. Names of modules come from files, so they are looked at. */
static int put_facts(struct trial_guest *t, struct error *err)
{
	_cleanup_buf_ struct buf facts = BUF_INIT(64 * 1024);
	int r = buf_printf(&facts, "limit=%d\nrounds=%d\ntargets='",
			   t->o->transition_timeout_ms / 1000,
			   t->o->cycles > 0 ? t->o->cycles : TRIAL_ROUNDS);

	for (size_t i = 0; r == 0 && i < t->target.n; i++)
		if (!t->target.items[i][strspn(t->target.items[i],
					       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
					       "Z0123456789_-")])
			r = buf_printf(&facts, "%s%s", i > 0 ? " " : "", t->target.items[i]);
	if (r == 0)
		r = buf_append_str(&facts, "'\n");
	return r < 0 ? error_set(err, r, "facts")
		     : trial_guest_put(t, "/lab/facts", facts.data, facts.len, err);
}

/* /lab/functions: what the record says is replaced. */
static int put_functions(struct trial_guest *t, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(FUNCTIONS_MAX);
	int r = 0;

	for (size_t i = 0; r == 0 && t->record && i < t->record->n_objects; i++)
		for (size_t k = 0; r == 0 && k < t->record->objects[i].n_functions; k++) {
			const struct record_function *f = &t->record->objects[i].functions[k];

			r = buf_printf(&text, "%s %s %u %u\n", t->record->objects[i].name, f->name,
				       f->sympos, f->size);
		}
	return r < 0 ? error_set(err, r, "functions of the record")
		     : trial_guest_put(t, "/lab/functions", text.data, text.len, err);
}

static int put_files(struct trial_guest *t, struct error *err)
{
	int r = put_facts(t, err);

	if (r == 0)
		r = put_functions(t, err);
	if (r == 0)
		r = trial_guest_put_module(t, "/lab/patch.ko", t->module.data, t->module.len, err);
	if (r == 0 && t->o->reproducer)
		r = guest_put(t->guest, t->o->reproducer, "/lab/reproducer", err);
	if (r == 0 && t->o->sleeper)
		r = guest_put(t->guest, t->o->sleeper, "/lab/sleeper", err);
	return r < 0 ? r : put_earlier(t, err);
}

/* Those asked for, and stress-ng if this machine has it: the case `stress` uses it. */
static const char **programs_to_take(const struct trial_guest *t)
{
	const char *const *given = t->o->guest.programs;
	size_t n = 0;

	while (given && given[n])
		n++;
	const char **list = calloc(n + 2, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = given[i];
	if (list && access(TRIAL_STRESS_NG, X_OK) == 0)
		list[n] = TRIAL_STRESS_NG;
	return list;
}

int trial_guest_start(struct trial_guest *t, struct error *err)
{
	_cleanup_free_ const char **programs = programs_to_take(t);
	struct guest_options o = t->o->guest;

	if (t->guest)
		return 0;
	trial_guest_drop(t); /* the folder of one that did not start */
	int r = work_folder_make(&t->dir, err);

	if (r < 0)
		return r;
	o.dir = t->dir;
	o.stays = false;
	o.accel = t->accel;
	o.load = (const char *const *)t->load.items;
	o.programs = programs;
	t->trial->boots++;
	r = guest_start(&o, &t->guest, err);
	if (r == 0 && *guest_problems(t->guest))
		r = error_set(err, ERR_CHILD, "%s", guest_problems(t->guest));
	if (r == 0)
		r = read_identity(t, err);
	return r < 0 ? r : put_files(t, err);
}

int trial_guest_add_target(struct trial_guest *t, const char *name, struct error *err)
{
	int r = t->o->guest.modules ? guest_load_module(t->guest, t->o->guest.modules, name,
							TRIAL_COMMAND_MS, err)
				    : error_set(err, ERR_NOT_FOUND,
						"%s: not loaded, and no modules were given", name);

	if (r == 0)
		r = path_list_add(&t->load, name);
	if (r >= 0)
		r = path_list_add(&t->target, name);
	return r < 0 ? r : put_facts(t, err);
}
