/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/journal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

struct journal *journal_new(void)
{
	return calloc(1, sizeof(struct journal));
}

struct journal *journal_copy(const struct journal *journal)
{
	struct journal *copy = journal_new();

	if (copy)
		*copy = *journal;
	return copy;
}

static void copy_text(char *ret, size_t size, const char *text)
{
	size_t len = MIN(strlen(text), size - 1);

	/* Never half of a UTF-8 sequence: the file must stay valid. */
	while (len < strlen(text) && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(ret, text, len);
	ret[len] = 0;
}

void journal_add_note(struct journal *journal, const char *event,
		      const struct patch_version *version, const char *code, const char *message)
{
	struct journal_event *e;

	if (journal->n_history == JOURNAL_HISTORY) {
		memmove(&journal->history[0], &journal->history[1],
			(JOURNAL_HISTORY - 1) * sizeof(journal->history[0]));
		journal->n_history--;
	}
	e = &journal->history[journal->n_history++];
	*e = (struct journal_event){ .time = clock_now(), .has_version = version != NULL };
	copy_text(e->event, sizeof(e->event), event);
	if (version)
		e->version = *version;
	copy_text(e->code, sizeof(e->code), code);
	copy_text(e->message, sizeof(e->message), message);
}

void journal_add_event(struct journal *journal, const char *event,
		       const struct patch_version *version, const struct error *err)
{
	bool failed = err && err->code;

	journal_add_note(journal, event, version, failed ? error_code_name(err->code) : "",
			 failed ? err->message : "");
}

void journal_set_failure(struct journal *journal, const struct error *err)
{
	struct journal_failure *f = &journal->failure;

	*f = (struct journal_failure){ 0 };
	if (!err || !err->code)
		return;
	f->time = clock_now();
	copy_text(f->code, sizeof(f->code), error_code_name(err->code));
	copy_text(f->message, sizeof(f->message), err->message);
	copy_text(f->hint, sizeof(f->hint), err->hint);
}

/* What survived once and failed later is watched again when it is tried again. */
static void forget_survived(struct journal *journal, struct patch_version version,
			    const char *kernel)
{
	size_t kept = 0;

	for (size_t i = 0; i < journal->n_survived; i++) {
		const struct journal_survived *s = &journal->survived[i];

		if (patch_version_compare(s->version, version) != 0 || !streq(s->kernel, kernel))
			journal->survived[kept++] = *s;
	}
	journal->n_survived = kept;
}

void journal_add_quarantine(struct journal *journal, struct patch_version version,
			    const char *kernel, const struct error *err)
{
	struct journal_quarantine *q;

	forget_survived(journal, version, kernel);
	if (journal_is_quarantined(journal, version, kernel))
		return;
	if (journal->n_quarantine == JOURNAL_QUARANTINE) {
		memmove(&journal->quarantine[0], &journal->quarantine[1],
			(JOURNAL_QUARANTINE - 1) * sizeof(journal->quarantine[0]));
		journal->n_quarantine--;
	}
	q = &journal->quarantine[journal->n_quarantine++];
	*q = (struct journal_quarantine){ .version = version, .time = clock_now() };
	copy_text(q->kernel, sizeof(q->kernel), kernel);
	copy_text(q->code, sizeof(q->code), error_code_name(err->code));
	copy_text(q->message, sizeof(q->message), err->message);
}

bool journal_is_interrupted(const struct journal *journal, struct patch_version version,
			    const char *kernel)
{
	const struct journal_interrupted *i = &journal->interrupted;

	return i->present && patch_version_compare(i->version, version) == 0 &&
	       streq(i->kernel, kernel);
}

bool journal_is_quarantined(const struct journal *journal, struct patch_version version,
			    const char *kernel)
{
	for (size_t i = 0; i < journal->n_quarantine; i++) {
		const struct journal_quarantine *q = &journal->quarantine[i];

		if (patch_version_compare(q->version, version) == 0 && streq(q->kernel, kernel))
			return true;
	}
	return false;
}

bool journal_forgive(struct journal *journal, struct patch_version version, const char *kernel)
{
	bool found = journal_is_interrupted(journal, version, kernel);
	size_t kept = 0;

	if (found)
		journal->interrupted = (struct journal_interrupted){ 0 };
	for (size_t i = 0; i < journal->n_quarantine; i++) {
		const struct journal_quarantine *q = &journal->quarantine[i];

		if (patch_version_compare(q->version, version) == 0 && streq(q->kernel, kernel))
			found = true;
		else
			journal->quarantine[kept++] = *q;
	}
	journal->n_quarantine = kept;
	return found;
}

bool journal_is_watched(const struct journal *journal, struct patch_version version,
			const char *kernel)
{
	const struct journal_watch *w = &journal->watch;

	return w->present && patch_version_compare(w->version, version) == 0 &&
	       streq(w->kernel, kernel);
}

bool journal_has_survived(const struct journal *journal, struct patch_version version,
			  const char *kernel)
{
	for (size_t i = 0; i < journal->n_survived; i++) {
		const struct journal_survived *s = &journal->survived[i];

		if (patch_version_compare(s->version, version) == 0 && streq(s->kernel, kernel))
			return true;
	}
	return false;
}

void journal_add_survived(struct journal *journal, struct patch_version version, const char *kernel)
{
	struct journal_survived *s;

	if (journal_has_survived(journal, version, kernel))
		return;
	if (journal->n_survived == JOURNAL_SURVIVED) {
		memmove(&journal->survived[0], &journal->survived[1],
			(JOURNAL_SURVIVED - 1) * sizeof(journal->survived[0]));
		journal->n_survived--;
	}
	s = &journal->survived[journal->n_survived++];
	*s = (struct journal_survived){ .version = version };
	copy_text(s->kernel, sizeof(s->kernel), kernel);
}

int journal_check(const struct journal *journal, struct error *err)
{
	bool open = journal->step.action != JOURNAL_NONE;

	if (open != (journal->state == MACHINE_APPLYING))
		return error_set(err, ERR_BAD_STATE, "journal: state %s with %s step",
				 machine_state_name(journal->state), open ? "an open" : "no open");
	if (journal->state == MACHINE_APPLIED && !journal->accepted.present)
		return error_set(err, ERR_BAD_STATE, "journal: applied without an accepted patch");
	if (journal->state == MACHINE_DOWNLOADING && !journal->machine_id[0])
		return error_set(err, ERR_BAD_STATE, "journal: an update without an identity");
	return 0;
}

int journal_load(const char *path, struct journal **ret, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(JOURNAL_FILE_MAX);
	int r;

	r = file_read(path, &data, err);
	if (r == -ENOENT) {
		*ret = journal_new();
		return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r < 0)
		return r;
	r = journal_parse(data.data, data.len, ret, err);
	if (r < 0) {
		error_prefix(err, r, "%s", path);
		error_hint(err, "%s",
			   r == ERR_UNSUPPORTED ? "install the newer sutured that wrote it"
						: "keep a copy of it for a report, remove it, and "
						  "run `suture enable` again");
	}
	return r;
}
