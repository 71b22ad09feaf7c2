/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build inspect: what a livepatch module replaces and needs. */
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "build/commands.h"
#include "build/patch/inspect.h"

const struct cli_option build_inspect_options[] = { CLI_FORMAT_OPTION, { 0 } };

static json_t *describe_functions(const struct inspect *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->tables.function_count; i++) {
		const struct tables_function *f = &in->tables.functions[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "object", f->object,
						      "name", f->name, "sympos",
						      (json_int_t)f->sympos, "symbol", f->symbol));
	}
	return list;
}

static json_t *describe_symbols(const struct inspect *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->symbol_count; i++) {
		const struct inspect_symbol *s = &in->symbols[i];
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I}", "object", s->object, "name",
						s->name, "sympos", (json_int_t)s->sympos));
	}
	return list;
}

static json_t *describe_relocations(const struct inspect *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->relocation_count; i++) {
		const struct inspect_relocations *r = &in->relocations[i];
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I}", "object", r->object, "section",
						r->section, "count", (json_int_t)r->count));
	}
	return list;
}

static json_t *describe_special(const struct inspect *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->special_count; i++) {
		const struct inspect_table *t = &in->special[i];
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "section", t->section,
						      "entries", (json_int_t)t->entries, "size",
						      (json_int_t)t->size));
	}
	return list;
}

static json_t *describe_modinfo(const struct modinfo *info)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < info->entry_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "key", info->entries[i].key,
						      "value", info->entries[i].value));
	return list;
}

/* Every object that is named anywhere, once. */
static json_t *describe_objects(const struct inspect *in)
{
	_cleanup_json_ json_t *seen = json_object();

	for (size_t i = 0; seen && i < in->tables.function_count; i++)
		json_object_set_new(seen, in->tables.functions[i].object, json_true());
	for (size_t i = 0; seen && i < in->relocation_count; i++)
		json_object_set_new(seen, in->relocations[i].object, json_true());
	json_t *list = json_array(), *value;
	const char *name;
	json_object_foreach (seen, name, value)
		json_array_append_new(list, json_string(name));
	return list;
}

static void build_id_text(const struct modinfo *info, char ret[static 2 * MODINFO_BUILD_ID_MAX + 1])
{
	hex_encode(info->build_id, info->build_id_len, ret);
}

static int print_json(const struct inspect *in, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)64 << 20);
	const struct modinfo *info = in->modinfo;
	char build_id[2 * MODINFO_BUILD_ID_MAX + 1];

	build_id_text(info, build_id);
	_cleanup_json_ json_t *o = json_pack(
		"{s:s?, s:s?, s:s?, s:b, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		info->name, "vermagic", info->vermagic, "depends", info->depends, "livepatch",
		info->livepatch, "build_id", info->build_id_len ? build_id : NULL, "signed",
		info->signed_, "objects", describe_objects(in), "functions", describe_functions(in),
		"symbols", describe_symbols(in), "relocations", describe_relocations(in),
		"special_sections", describe_special(in), "modinfo", describe_modinfo(info));
	int e = o ? json_append_pretty(o, &text) : ERR_INVALID;
	if (e < 0)
		return error_set(err, e, "cannot print: the module holds text that is not UTF-8");
	fputs(buf_str(&text), stdout);
	return EXIT_OK;
}

/* Text from the file: what a terminal could take for a command becomes '?'. */
static void print_field(const char *label, const char *value)
{
	printf("%-10s ", label);
	for (const char *p = value ? value : "-"; *p; p++)
		putchar((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
	putchar('\n');
}

static void print_text(const struct inspect *in)
{
	const struct modinfo *info = in->modinfo;
	char line[1024], build_id[2 * MODINFO_BUILD_ID_MAX + 1];

	build_id_text(info, build_id);
	print_field("module", info->name);
	print_field("vermagic", info->vermagic);
	print_field("depends", info->depends);
	print_field("livepatch", info->livepatch ? "yes" : "no");
	print_field("build ID", info->build_id_len ? build_id : NULL);
	print_field("signature", info->signed_ ? "appended" : "none");
	for (size_t i = 0; i < in->tables.function_count; i++) {
		const struct tables_function *f = &in->tables.functions[i];
		snprintf(line, sizeof(line), "%s:%s,%llu -> %s", f->object, f->name,
			 (unsigned long long)f->sympos, f->symbol);
		print_field("function", line);
	}
	for (size_t i = 0; i < in->symbol_count; i++) {
		const struct inspect_symbol *s = &in->symbols[i];
		snprintf(line, sizeof(line), "%s:%s,%llu", s->object, s->name,
			 (unsigned long long)s->sympos);
		print_field("symbol", line);
	}
	for (size_t i = 0; i < in->relocation_count; i++) {
		const struct inspect_relocations *r = &in->relocations[i];
		snprintf(line, sizeof(line), "%zu in %s to %s", r->count, r->section, r->object);
		print_field("relocations", line);
	}
	for (size_t i = 0; i < in->special_count; i++) {
		const struct inspect_table *t = &in->special[i];
		snprintf(line, sizeof(line), "%s: %zu entries, %llu bytes", t->section, t->entries,
			 (unsigned long long)t->size);
		print_field("special", line);
	}
}

int build_cmd_inspect(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(MODINFO_FILE_MAX);
	_cleanup_inspect_ struct inspect *in = NULL;
	enum cli_format format;
	int e = cli_get_format(cli, false, &format, err);

	if (e == 0)
		e = file_read(cli_arg(cli, 0), &data, err);
	if (e == 0)
		e = inspect_module(data.data, data.len, cli_arg(cli, 0), &in, err);
	if (e < 0)
		return e;
	if (format == CLI_JSON)
		return print_json(in, err);
	print_text(in);
	return EXIT_OK;
}
