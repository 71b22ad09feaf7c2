/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build diff: the differ alone. */
#include <ctype.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "build/commands.h"
#include "build/extract.h"

const struct cli_option build_diff_options[] = {
	{ "output", "OUT.o", "write the changed functions and what is theirs to this object", false,
	  'o' },
	{ "name", "NAME", "what to call the file in messages (default: PATCHED.o)", false, 0 },
	CLI_FORMAT_OPTION,
	{ 0 }
};

/* `fs/proc/cmdline.o` gives `fs_proc_cmdline`, cut to what a unit name may have. */
static void unit_name(const char *path, char ret[static 65])
{
	size_t len = strlen(path), n = 0;

	if (str_has_suffix(path, ".o"))
		len -= 2;
	for (size_t i = len > 64 ? len - 64 : 0; i < len; i++)
		ret[n++] = isalnum((unsigned char)path[i]) ? path[i] : '_';
	ret[n] = 0;
}

static const char *verdict_name(enum diff_verdict verdict)
{
	switch (verdict) {
	case DIFF_ACCEPTED: return "accepted";
	case DIFF_NO_CHANGE: return "no-change";
	case DIFF_REFUSED: return "refused";
	}
	return "unknown";
}

static json_t *function_names(const struct diff_function *functions, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++)
		json_array_append_new(list, json_string(functions[i].name));
	return list;
}

static json_t *describe_data(const struct diff_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->data_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "name", r->data[i].name,
						      "section", r->data[i].section, "size",
						      (json_int_t)r->data[i].size));
	return list;
}

static json_t *describe_reasons(const struct diff_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->reason_count; i++) {
		const struct diff_reason *reason = &r->reasons[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "code",
						      diff_reason_name(reason->code), "object",
						      reason->object, "name", reason->subject,
						      "message", reason->message));
	}
	return list;
}

static json_t *describe_symbols(const struct extract *extract)
{
	json_t *list = json_array();

	for (size_t i = 0; list && extract && i < extract->symbol_count; i++) {
		const struct extract_symbol *s = &extract->symbols[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:b, s:b}", "symbol",
						      s->symbol, "name", s->name, "file", s->file,
						      "local", s->local, "own", s->own));
	}
	return list;
}

static int print_json(const char *name, const struct diff_result *r, const struct extract *extract,
		      struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)64 << 20);
	_cleanup_json_ json_t *o =
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "object", name, "verdict",
			  verdict_name(r->verdict), "changed_functions",
			  function_names(r->changed, r->changed_count), "new_functions",
			  function_names(r->added, r->added_count), "new_data", describe_data(r),
			  "reasons", describe_reasons(r), "symbols", describe_symbols(extract));
	int e = o ? json_append_pretty(o, &text) : ERR_NO_MEMORY;

	if (e < 0)
		return error_set(err, e, "cannot print the result");
	fputs(buf_str(&text), stdout);
	return 0;
}

static void print_text(const struct diff_result *r)
{
	for (size_t i = 0; i < r->changed_count; i++)
		printf("changed function: %s\n", r->changed[i].name);
	for (size_t i = 0; i < r->added_count; i++)
		printf("new function: %s\n", r->added[i].name);
	for (size_t i = 0; i < r->data_count; i++)
		printf("new data: %s (%s)\n", r->data[i].name, r->data[i].section);
	for (size_t i = 0; i < r->reason_count; i++)
		printf("refused: %s: %s [%s]\n", r->reasons[i].object, r->reasons[i].message,
		       diff_reason_name(r->reasons[i].code));
	if (r->verdict == DIFF_NO_CHANGE)
		printf("no change\n");
}

/* Extraction is tried without -o too, so that the verdict is the whole one. */
static int extract(const struct diff *diff, const char *out, struct extract **ret,
		   struct error *err)
{
	if (diff_result(diff)->verdict != DIFF_ACCEPTED)
		return 0;
	int e = extract_object(diff, ret, err);
	if (e < 0 || !out)
		return e;
	return file_write_atomic(out, (*ret)->object.data, (*ret)->object.len, 0644, err);
}

static int exit_status(enum diff_verdict verdict)
{
	switch (verdict) {
	case DIFF_ACCEPTED: return EXIT_OK;
	case DIFF_NO_CHANGE: return BUILD_EXIT_NO_CHANGE;
	case DIFF_REFUSED: return BUILD_EXIT_NOT_PATCHABLE;
	}
	return EXIT_ERROR;
}

int build_cmd_diff(struct cli *cli, struct error *err)
{
	_cleanup_elf_object_ struct elf_object *original = NULL, *patched = NULL;
	_cleanup_diff_ struct diff *diff = NULL;
	_cleanup_extract_ struct extract *extracted = NULL;
	enum cli_format format;
	char unit[65];

	const char *name = cli_has(cli, "name") ? cli_get(cli, "name") : path_base(cli_arg(cli, 1));
	unit_name(name, unit);
	struct diff_options options = { .name = name, .unit = unit };
	int e = cli_get_format(cli, false, &format, err);
	if (e == 0)
		e = elf_object_load(cli_arg(cli, 0), &original, err);
	if (e == 0)
		e = elf_object_load(cli_arg(cli, 1), &patched, err);
	if (e == 0)
		e = diff_objects(original, patched, &options, &diff, err);
	if (e == 0)
		e = extract(diff, cli_get(cli, "output"), &extracted, err);
	if (e < 0)
		return e;
	const struct diff_result *r = diff_result(diff);
	if (format == CLI_JSON)
		e = print_json(name, r, extracted, err);
	else
		print_text(r);
	return e < 0 ? e : exit_status(r->verdict);
}
