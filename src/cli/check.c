/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/client.h"
#include "module/signature.h"

#define STATUS_MAX   ((size_t)2 * 1024 * 1024)
#define IDENTITY_MAX ((size_t)128 * 1024)

/* ---- What is looked at ---- */

static json_t *load(const char *where, size_t max)
{
	_cleanup_free_ char *path = client_path(where);
	json_t *o = NULL;

	return path && json_load_path(path, max, &o, NULL) == 0 ? o : NULL;
}

/* The accepted patch, as sutured has it on the disk. */
static void load_accepted(struct check_input *input)
{
	_cleanup_json_ json_t *journal = load("/var/lib/suture/journal.json", STATUS_MAX);
	const json_t *accepted = json_object_get(journal, "accepted");
	_cleanup_buf_ struct buf bytes = BUF_INIT(RECORD_MAX);
	_cleanup_free_ char *path = NULL;
	const char *sha256, *kernel;
	uint8_t hash[SHA256_LEN];
	char where[128];

	if (json_get_str(accepted, "sha256", SHA256_HEX_LEN, &sha256, NULL) < 0 ||
	    json_get_str(accepted, "kernel", RELEASE_MAX, &kernel, NULL) < 0 ||
	    hex_decode(sha256, SHA256_LEN, hash) < 0 || !streq(kernel, input->facts.release))
		return;
	snprintf(where, sizeof(where), "/var/lib/suture/modules/%s.json", sha256);
	path = client_path(where);
	if (path && file_read(path, &bytes, NULL) == 0)
		(void)!record_parse(bytes.data, bytes.len, &input->record, NULL);
	(void)!json_get_int(accepted, "length", 0, INT64_MAX, &input->module_length, NULL);
}

/* The fetcher's file has its key too, which is not looked at; and it is not root's own, so no link
 * is followed. */
static void load_certificate(struct check_input *input)
{
	_cleanup_free_ char *folder = client_path("/var/cache/suture/fetch");
	_cleanup_buf_ struct buf bytes = BUF_INIT(IDENTITY_MAX);
	_cleanup_json_ json_t *identity = NULL;
	_cleanup_close_ int fd = -1;
	struct signature_signer cert;
	const char *pem;

	fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd >= 0 && file_read_at(fd, "identity.json", &bytes, NULL) == 0 &&
	    json_parse(bytes.data, bytes.len, &identity, NULL) == 0 &&
	    json_get_str(identity, "certificate", IDENTITY_MAX, &pem, NULL) == 0 &&
	    signature_describe_cert(pem, &cert, NULL) == 0)
		input->certificate_end = cert.not_after;
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.len);
}

int check_input_load(const char *root, struct check_input *ret, struct error *err)
{
	struct check_input input = { .root = root, .now = clock_now() };
	int r = kernel_facts_read(root, &input.facts, err);

	if (r < 0)
		return r;
	input.status = load("/run/suture/status.json", STATUS_MAX);
	input.runs = client_sutured_runs();
	load_accepted(&input);
	load_certificate(&input);
	*ret = input;
	return 0;
}

void check_input_free(struct check_input *input)
{
	json_decref(input->status);
	record_free(input->record);
	*input = (struct check_input){ .root = "" };
}

/* ---- The report ---- */

const char *check_result_name(enum check_result result)
{
	static const char *const names[] = { "pass", "warning", "fail" };

	return names[result];
}

void check_add(struct check_report *report, const char *name, enum check_result result,
	       const char *cure, const char *format, ...)
{
	struct check_item *item;
	va_list ap;

	if (report->n == CHECK_ITEMS_MAX)
		return;
	item = &report->items[report->n++];
	*item = (struct check_item){ .name = name, .result = result };
	if (result != CHECK_PASS)
		snprintf(item->cure, sizeof(item->cure), "%s", cure);
	va_start(ap, format);
	vsnprintf(item->finding, sizeof(item->finding), format, ap);
	va_end(ap);
	/* Parts of it are names that others have given. */
	error_clean_text(item->finding);
	error_clean_text(item->cure);
}

enum check_result check_worst(const struct check_report *report)
{
	enum check_result worst = CHECK_PASS;

	for (size_t i = 0; i < report->n; i++)
		worst = MAX(worst, report->items[i].result);
	return worst;
}

int check_render(const struct check_report *report, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < report->n && r == 0; i++) {
		const struct check_item *item = &report->items[i];

		r = buf_printf(out, "%-8s %-19s %s\n", check_result_name(item->result), item->name,
			       item->finding);
		if (r == 0 && item->cure[0])
			r = buf_printf(out, "%-8s %-19s cure: %s\n", "", "", item->cure);
	}
	return r;
}

json_t *check_to_json(const struct check_report *report)
{
	_cleanup_json_ json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct check_item *item = &report->items[i];
		json_t *o = json_object();

		r += json_set_str(o, "requirement", item->name);
		r += json_set_str(o, "result", check_result_name(item->result));
		r += json_set_str(o, "finding", item->finding);
		r += json_set_str(o, "cure", item->cure[0] ? item->cure : NULL);
		r += json_array_append_new(list, o);
	}
	return r == 0 ? TAKE_PTR(list) : NULL;
}
