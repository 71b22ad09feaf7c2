/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/symbol_list.h"

#include <fcntl.h>

#include "base/file.h"
#include "build/object/names.h"
#include "build/object/shipped.h"
#include "package/kallsyms.h"

/* The text of all names of a kernel is not larger, nor its image. */
#define TEXT_MAX  ((size_t)256 << 20)
#define IMAGE_MAX ((size_t)1 << 30)

struct symbol_list {
	struct name_table *wanted; /* each with one struct count */
	struct arena *arena;
};

struct count {
	size_t n;
};

struct symbol_list *symbol_list_new(void)
{
	_cleanup_symbol_list_ struct symbol_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->wanted = name_table_new();
	list->arena = arena_new(TEXT_MAX);
	return list->wanted && list->arena ? TAKE_PTR(list) : NULL;
}

void symbol_list_free(struct symbol_list *list)
{
	if (!list)
		return;
	name_table_free(list->wanted);
	arena_free(list->arena);
	free(list);
}

static struct count *find(const struct symbol_list *list, const char *name)
{
	const struct name_entry *entry = name_table_find(list->wanted, name);

	return entry ? entry->items.items[0] : NULL;
}

int symbol_list_want(struct symbol_list *list, const char *name)
{
	if (find(list, name))
		return 0;
	struct count *count = arena_new_object(list->arena, struct count);
	return count ? name_table_add(list->wanted, name, count) : ERR_NO_MEMORY;
}

size_t symbol_list_count(const struct symbol_list *list, const char *name)
{
	const struct count *count = find(list, name);

	return count ? count->n : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next field of a line, ended by a zero byte; NULL at the line's end. */
static char *next_field(char **line)
{
	char *field = *line;

	while (is_blank(*field))
		field++;
	if (!*field)
		return NULL;
	char *end = field;
	while (*end && !is_blank(*end))
		end++;
	*line = *end ? end + 1 : end;
	*end = 0;
	return field;
}

static bool is_hex(const char *s)
{
	while ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f') || (*s >= 'A' && *s <= 'F'))
		s++;
	return *s == 0;
}

/* `[nf_tables]` is the module nf_tables. */
static bool is_of(const char *field, const char *object)
{
	size_t len = strlen(object);

	return strlen(field) == len + 2 && strncmp(field + 1, object, len) == 0;
}

static int count_line(struct symbol_list *list, char *line, const char *object, size_t number,
		      struct error *err)
{
	char *type = next_field(&line);

	if (!type)
		return 0;
	if ((type[1] || (*type >= '0' && *type <= '9')) && is_hex(type))
		type = next_field(&line);
	char *name = next_field(&line), *module = next_field(&line);
	bool closed = !module || (module[0] == '[' && str_has_suffix(module, "]"));
	if (!type || type[1] || !name || !closed || next_field(&line))
		return error_set(err, ERR_INVALID, "line %zu is not ADDRESS TYPE NAME", number);
	if (strchr("Uwv", *type) || (module && !is_of(module, object)))
		return 0;
	struct count *count = find(list, name);
	if (count)
		count->n++;
	return 0;
}

/* The part of a text that is in memory. */
struct window {
	int fd;
	size_t len, line; /* bytes held; lines seen */
	char text[SYMBOL_LINE_MAX + 1];
};

/* Counts in the whole lines of the window, and keeps the rest. */
static int count_lines(struct symbol_list *list, struct window *w, const char *object, bool last,
		       struct error *err)
{
	char *at = w->text, *stop = w->text + w->len;

	*stop = 0;
	if (memchr(w->text, 0, w->len))
		return error_set(err, ERR_INVALID, "it is not a text");
	while (at < stop) {
		char *end = memchr(at, '\n', (size_t)(stop - at));
		if (!end && !last)
			break;
		end = end ? end : stop;
		*end = 0;
		int e = count_line(list, at, object, ++w->line, err);
		if (e < 0)
			return e;
		at = MIN(end + 1, stop);
	}
	w->len = (size_t)(stop - at);
	memmove(w->text, at, w->len);
	return w->len < SYMBOL_LINE_MAX
		       ? 0
		       : error_set(err, ERR_INVALID, "line %zu is too long", w->line + 1);
}

static int read_all(struct symbol_list *list, struct window *w, const char *object,
		    struct error *err)
{
	for (;;) {
		ssize_t n = read(w->fd, w->text + w->len, SYMBOL_LINE_MAX - w->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "cannot read it");
		w->len += (size_t)n;
		int e = count_lines(list, w, object, n == 0, err);
		if (e < 0 || n == 0)
			return e;
	}
}

int symbol_list_read(struct symbol_list *list, const char *path, const char *object,
		     struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ struct window *w = malloc(sizeof(*w));

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (!w)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	w->fd = fd;
	w->len = w->line = 0;
	int e = read_all(list, w, object, err);
	return e < 0 ? error_prefix(err, e, "%s", path) : 0;
}

/* Writes the names of the kernel's own table down. */
static int write_names(const struct kernel *kernel, const char *path, struct error *err)
{
	_cleanup_free_ char *image = path_join(kernel->folder, "vmlinux", NULL);
	_cleanup_buf_ struct buf bytes = BUF_INIT(IMAGE_MAX), text = BUF_INIT(TEXT_MAX);
	_cleanup_kallsyms_ struct kallsyms *names = NULL;
	int e = image ? file_read(image, &bytes, err)
		      : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (e == 0)
		e = kallsyms_parse(bytes.data, bytes.len, &names, err);
	if (e < 0)
		return e;
	for (size_t i = 0; e == 0 && i < kallsyms_count(names); i++)
		e = buf_printf(&text, "%c %s\n", kallsyms_get(names, i)->type,
			       kallsyms_get(names, i)->name);
	if (e < 0)
		return error_set(err, e, "%s: too many symbols", kernel->release);
	return file_write_atomic(path, text.data, text.len, 0644, err);
}

static int read_vmlinux(struct symbol_list *list, const struct kernel *kernel, struct error *err)
{
	_cleanup_free_ char *path = path_join(kernel->folder, "symbols", NULL);
	int e = path ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (e == 0 && !file_exists(path))
		e = write_names(kernel, path, err);
	return e < 0 ? e : symbol_list_read(list, path, "vmlinux", err);
}

static int count_shipped(const struct name_entry *entry, void *shipped)
{
	struct count *count = entry->items.items[0];

	count->n = shipped_matches(shipped, entry->name);
	return 0;
}

int symbol_list_read_kernel(struct symbol_list *list, const char *release, const char *object,
			    struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_shipped_ struct shipped *shipped = NULL;
	int e = kernel_use(release, NULL, &kernel, err);

	if (e < 0)
		return e;
	if (streq(object, "vmlinux"))
		return read_vmlinux(list, kernel, err);
	e = shipped_open(kernel, object, &shipped, err);
	return e < 0 ? e : name_table_each(list->wanted, count_shipped, shipped);
}
