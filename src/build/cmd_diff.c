/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build diff: the differ alone. */
#include <ctype.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "base/vec.h"
#include "build/commands.h"
#include "build/diff/extract.h"
#include "build/diff/module_keys.h"
#include "build/object/special_sizes.h"
#include "build/object/symbol_list.h"

const struct cli_option build_diff_options[] = {
	{ "output", "OUT.o", "write the changed functions and what is theirs to this object", false,
	  'o' },
	{ "name", "NAME", "what to call the file in messages (default: PATCHED.o)", false, 0 },
	{ "kernel", "RELEASE", "look the symbols up in this kernel of the cache", false, 0 },
	{ "symbols", "FILE", "look them up in this list, as nm or /proc/kallsyms print it", false,
	  0 },
	{ "object", "NAME", "vmlinux (default) or the module that the file belongs to", false, 0 },
	{ "explain", "FUNCTION",
	  "say every decision about this function: what it was paired with and by what, where it "
	  "differs first, what it needs, who uses it, into what it is inlined",
	  false, 0 },
	CLI_FORMAT_OPTION,
	{ 0 }
};

/* One comparison, as it is shown. */
struct shown {
	const char *name;
	const struct diff_result *result;
	enum diff_verdict verdict;
	struct reason_list reasons;
	struct extract *extract;     /* NULL: not accepted */
	struct symbol_list *symbols; /* NULL: not looked up */
	bool explained;
	struct diff_explanation explanation;
};

static void shown_done(struct shown *s)
{
	reason_list_free(&s->reasons);
	extract_free(s->extract);
	symbol_list_free(s->symbols);
	diff_explanation_free(&s->explanation);
}

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

static json_t *describe_reasons(const struct shown *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->reasons.n; i++) {
		const struct reason *reason = &s->reasons.items[i];
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "code",
						reason_name(reason->code), "object", reason->file,
						"name", reason->subject, "message", reason->message,
						"hint", reason_hint(reason)));
	}
	return list;
}

/* How often the kernel has the name: null when it was not looked up. */
static json_t *matches(const struct shown *s, const char *name)
{
	return s->symbols ? json_integer((json_int_t)symbol_list_count(s->symbols, name))
			  : json_null();
}

static json_t *describe_symbols(const struct shown *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && s->extract && i < s->extract->symbol_count; i++) {
		const struct extract_symbol *x = &s->extract->symbols[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:b, s:b, s:o}", "symbol",
						      x->symbol, "name", x->name, "file", x->file,
						      "local", x->local, "own", x->own, "matches",
						      matches(s, x->name)));
	}
	return list;
}

static json_t *describe_explanation(const struct shown *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->explanation.facts.count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "topic",
						      s->explanation.facts.items[i].topic, "text",
						      s->explanation.facts.items[i].text));
	return list;
}

static int print_json(const struct shown *s, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)64 << 20);
	const struct diff_result *r = s->result;
	_cleanup_json_ json_t *o =
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "object", s->name, "verdict",
			  verdict_name(s->verdict), "changed_functions",
			  function_names(r->changed, r->changed_count), "new_functions",
			  function_names(r->added, r->added_count), "new_data", describe_data(r),
			  "reasons", describe_reasons(s), "symbols", describe_symbols(s));
	if (o && s->explained)
		json_object_set_new(o, "explanation", describe_explanation(s));
	int e = o ? json_append_pretty(o, &text) : ERR_INVALID;

	if (e < 0)
		return error_set(err, e, "cannot print: a name in the object is not UTF-8");
	fputs(buf_str(&text), stdout);
	return 0;
}

/* A function's name, and its facts below it. */
static void print_explanation(const struct shown *s)
{
	for (size_t i = 0; i < s->explanation.facts.count; i++) {
		const struct diff_fact *fact = &s->explanation.facts.items[i];

		if (streq(fact->topic, "function"))
			printf("%s%s: %s\n", i > 0 ? "\n" : "", s->name, fact->text);
		else
			printf("  %-12s%s\n", fact->topic, fact->text);
	}
}

static void print_text(const struct shown *s)
{
	const struct diff_result *r = s->result;

	for (size_t i = 0; i < r->changed_count; i++)
		printf("changed function: %s\n", r->changed[i].name);
	for (size_t i = 0; i < r->added_count; i++)
		printf("new function: %s\n", r->added[i].name);
	for (size_t i = 0; i < r->data_count; i++)
		printf("new data: %s (%s)\n", r->data[i].name, r->data[i].section);
	for (size_t i = 0; i < s->reasons.n; i++) {
		const struct reason *why = &s->reasons.items[i];
		enum reason_grade grade = reason_grade(why->code);
		printf("%s: %s: %s [%s]\n",
		       grade == REASON_REFUSAL ? "refused" : reason_grade_name(grade), why->file,
		       why->message, reason_name(why->code));
	}
	if (s->verdict == DIFF_NO_CHANGE)
		printf("no change\n");
}

static int refuse_unknown(struct shown *s, const char *name, const char *message)
{
	if (symbol_list_count(s->symbols, name) > 0)
		return 0;
	s->verdict = DIFF_REFUSED;
	return reason_add(&s->reasons, REASON_UNKNOWN_SYMBOL, s->name, name, "%s: %s", name,
			  message);
}

static int want_symbols(struct shown *s)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < s->result->changed_count; i++)
		e = symbol_list_want(s->symbols, s->result->changed[i].name);
	for (size_t i = 0; e == 0 && i < s->extract->symbol_count; i++)
		e = symbol_list_want(s->symbols, s->extract->symbols[i].name);
	return e;
}

static int count_symbols(struct shown *s, const struct cli *cli, struct error *err)
{
	const char *object = cli_has(cli, "object") ? cli_get(cli, "object") : "vmlinux";

	s->symbols = symbol_list_new();
	int e = s->symbols ? want_symbols(s) : ERR_NO_MEMORY;
	if (e < 0)
		return error_set(err, e, "out of memory");
	return cli_has(cli, "kernel")
		       ? symbol_list_read_kernel(s->symbols, cli_get(cli, "kernel"), object, err)
		       : symbol_list_read(s->symbols, cli_get(cli, "symbols"), object, err);
}

/* What the unit itself defines must be in the kernel, or it is not this kernel's unit. */
static int look_up(struct shown *s)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < s->result->changed_count; i++)
		e = refuse_unknown(s, s->result->changed[i].name,
				   "the kernel has no function of this name");
	for (size_t i = 0; e == 0 && i < s->extract->symbol_count; i++)
		if (s->extract->symbols[i].own)
			e = refuse_unknown(s, s->extract->symbols[i].name,
					   "the kernel has no symbol of this name");
	return e;
}

/* Without a kernel, relocations alone tell how large the structures are. */
static int read_sizes(const struct cli *cli, struct special_sizes *ret, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;

	if (!cli_has(cli, "kernel"))
		return 0;
	int e = kernel_use(cli_get(cli, "kernel"), NULL, &kernel, err);
	return e < 0 ? e : special_sizes_of_kernel(kernel, ret, err);
}

/* Extraction is tried without -o too, so that the verdict is the whole one. */
static int conclude(struct shown *s, struct diff *diff, const struct cli *cli, struct error *err)
{
	const char *out = cli_get(cli, "output"), *object = cli_get(cli, "object");
	int e = 0;

	s->result = diff_result(diff);
	s->verdict = s->result->verdict;
	for (size_t i = 0; e == 0 && i < s->result->reason_count; i++)
		e = reason_add_copy(&s->reasons, &s->result->reasons[i]);
	if (e == 0 && object && !streq(object, "vmlinux"))
		e = module_keys_settle(diff, NULL, s->name, &s->reasons);
	if (s->verdict == DIFF_ACCEPTED && reason_count(&s->reasons, REASON_REFUSAL) > 0)
		s->verdict = DIFF_REFUSED;
	if (e == 0 && s->verdict == DIFF_ACCEPTED)
		e = extract_object(diff, &s->extract, err);
	if (e == 0 && s->extract && (cli_has(cli, "kernel") || cli_has(cli, "symbols"))) {
		e = count_symbols(s, cli, err);
		if (e == 0)
			e = look_up(s);
	}
	if (e == 0 && s->verdict == DIFF_ACCEPTED && out)
		e = file_write_atomic(out, s->extract->object.data, s->extract->object.len, 0644,
				      err);
	return e == ERR_NO_MEMORY ? error_set(err, e, "out of memory") : e;
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
	_cleanup_(shown_done) struct shown shown = { 0 };
	enum cli_format format;
	char unit[65];

	shown.name = cli_has(cli, "name") ? cli_get(cli, "name") : path_base(cli_arg(cli, 1));
	unit_name(shown.name, unit);
	struct diff_options options = { .name = shown.name, .unit = unit };
	int e = cli_get_format(cli, false, &format, err);
	if (e == 0 && cli_has(cli, "kernel") && cli_has(cli, "symbols"))
		e = error_set(err, ERR_USAGE, "--kernel and --symbols exclude each other");
	if (e == 0)
		e = read_sizes(cli, &options.sizes, err);
	if (e == 0)
		e = elf_object_load(cli_arg(cli, 0), &original, err);
	if (e == 0)
		e = elf_object_load(cli_arg(cli, 1), &patched, err);
	if (e == 0)
		e = diff_objects(original, patched, &options, &diff, err);
	if (e == 0 && cli_has(cli, "explain")) {
		shown.explained = true;
		e = diff_explain(diff, cli_get(cli, "explain"), &shown.explanation, err);
	}
	if (e == 0)
		e = conclude(&shown, diff, cli, err);
	if (e < 0)
		return e;
	if (format == CLI_JSON)
		e = print_json(&shown, err);
	else if (shown.explained)
		print_explanation(&shown);
	else
		print_text(&shown);
	return e < 0 ? e : exit_status(shown.verdict);
}
