/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kernel_files.h"

#include <elf.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"
#include "package/banner.h"
#include "package/deb_info.h"
#include "package/unpack.h"

#define DEPMOD_TIMEOUT_MS  (120 * 1000)
#define OBJCOPY_TIMEOUT_MS (120 * 1000)
#define ORDER_MAX          (4 * 1024 * 1024)

static void tell(kernel_say_fn say, const char *format, ...) _printf_(2, 3);
static void tell(kernel_say_fn say, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (!say)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say(text);
}

/* Picks image, configuration and modules of one release out of an image package. */
static bool map_image(void *user, const char *name, char dest[static PATH_MAX])
{
	const char *release = user;
	char want[256];

	if (str_has_prefix(name, "usr/lib/modules/"))
		name += strlen("usr/");
	snprintf(want, sizeof(want), "boot/vmlinuz-%s", release);
	if (streq(name, want)) {
		snprintf(dest, PATH_MAX, "vmlinuz");
		return true;
	}
	snprintf(want, sizeof(want), "boot/config-%s", release);
	if (streq(name, want)) {
		snprintf(dest, PATH_MAX, "config");
		return true;
	}
	snprintf(want, sizeof(want), "lib/modules/%s/", release);
	if (!str_has_prefix(name, want))
		return false;
	return snprintf(dest, PATH_MAX, "root/%s", name) < PATH_MAX;
}

/* What the image says of itself must be what was asked for. */
static int check_image(const struct buf *elf, struct kernel_info *info, struct error *err)
{
	struct kernel_banner banner;
	struct kernel_release release;
	int r = kernel_banner_find(elf->data, elf->len, &banner, err);

	if (r == 0)
		r = vmlinuz_build_id(elf->data, elf->len, info->build_id, err);
	if (r < 0)
		return r;
	if (!streq(banner.release, info->release)) {
		error_set(err, ERR_MISMATCH, "the image is of kernel %s, not of %s", banner.release,
			  info->release);
		error_hint(err, "add it as what it is: suture-build kernel add %s …",
			   banner.release);
		return ERR_MISMATCH;
	}
	if (info->version[0] && banner.package[0] && !streq(info->version, banner.package))
		return error_set(err, ERR_MISMATCH,
				 "the package is of version %s, but its image was built from %s",
				 info->version, banner.package);
	if (kernel_release_parse(info->release, &release) < 0)
		return error_set(err, ERR_INVALID, "'%s' is not a kernel release", info->release);
	memcpy(info->version, banner.package, sizeof(info->version));
	if (banner.package[0])
		apt_source_package(&release, info->source_package);
	return 0;
}

/* vmlinuz → vmlinux, and what it says of itself. */
static int unpack_vmlinux(const char *folder, struct kernel_info *info, struct error *err)
{
	_cleanup_free_ char *from = path_join(folder, "vmlinuz", NULL);
	_cleanup_free_ char *to = path_join(folder, "vmlinux", NULL);
	_cleanup_buf_ struct buf image = BUF_INIT(VMLINUZ_MAX), elf = BUF_INIT(VMLINUX_MAX);

	if (!from || !to)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	int r = file_read(from, &image, err);

	if (r == 0)
		r = vmlinuz_unpack(image.data, image.len, &elf, err);
	if (r == 0)
		r = check_image(&elf, info, err);
	return r < 0 ? r : file_write_atomic(to, elf.data, elf.len, 0644, err);
}

/* The unpacked image of a build folder, with as little in it as the one that boots has
 * (arch/x86/boot/compressed/Makefile: OBJCOPYFLAGS_vmlinux.bin). */
static int strip_vmlinux(const char *image, const char *folder, struct kernel_info *info,
			 struct error *err)
{
	_cleanup_free_ char *to = path_join(folder, "vmlinux", NULL);
	_cleanup_buf_ struct buf elf = BUF_INIT(VMLINUX_MAX), out = BUF_INIT(1024 * 1024);

	if (!to)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	struct process_options options = {
		.argv = (const char *const[]){ "objcopy", "-R", ".comment", "-S", "--", image, to,
					       NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = OBJCOPY_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};
	int r = process_run(&options, NULL, err);

	if (r == 0)
		r = file_read(to, &elf, err);
	return r < 0 ? r : check_image(&elf, info, err);
}

/* Packages leave modules.dep to their installation. */
static int make_modules_dep(const char *folder, const char *release, struct error *err)
{
	_cleanup_free_ char *root = path_join(folder, "root", NULL);
	_cleanup_free_ char *modules = path_join(folder, "root/lib/modules", release, NULL);
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);

	if (!root || !modules)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(modules))
		return 0;

	const char *depmod = file_exists("/sbin/depmod") ? "/sbin/depmod" : "depmod";
	struct process_options options = {
		.argv = (const char *const[]){ depmod, "-b", root, release, NULL },
		.timeout_ms = DEPMOD_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	return process_run(&options, NULL, err);
}

static int unpack_package(const char *deb, const char *folder, kernel_say_fn say,
			  const struct kernel_info *info, struct error *err)
{
	struct unpack_options options = { .dest = folder,
					  .map = map_image,
					  .user = (void *)info->release };

	tell(say, "unpacking %s", path_base(deb));
	return unpack_deb(deb, &options, err);
}

static int from_deb(const char *deb, const char *folder, kernel_say_fn say,
		    struct kernel_info *info, struct error *err)
{
	_cleanup_free_ char *vmlinuz = path_join(folder, "vmlinuz", NULL);
	int r = unpack_package(deb, folder, say, info, err);

	if (r < 0)
		return r;
	if (!vmlinuz || !file_exists(vmlinuz))
		return error_set(err, ERR_MISMATCH, "%s holds no image of kernel %s", deb,
				 info->release);
	return unpack_vmlinux(folder, info, err);
}

int kernel_files_from_apt(const char *folder, kernel_say_fn say, struct kernel_info *info,
			  struct error *err)
{
	_cleanup_free_ char *deb = NULL;
	struct apt_kernel apt;
	int r = apt_find_kernel(info->release, &apt, err);

	if (r < 0)
		return r;
	tell(say, "downloading %s %s", apt.image, apt.version);
	r = apt_download(apt.image, apt.version, folder, &deb, err);
	if (r < 0)
		return r;
	memcpy(info->version, apt.version, sizeof(info->version));
	r = from_deb(deb, folder, say, info, err);
	if (r == 0)
		r = make_modules_dep(folder, info->release, err);
	return r < 0 ? r : file_remove(deb, err);
}

/* Copies one file of a folder of modules, under any ending that packed modules have. */
static int copy_module(const char *from, const char *to, const char *name, struct error *err)
{
	static const char *const endings[] = { "", ".xz", ".zst", ".gz" };

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		_cleanup_free_ char *source = NULL, *dest = NULL;

		if (asprintf(&source, "%s/%s%s", from, name, endings[i]) < 0 ||
		    asprintf(&dest, "%s/%s%s", to, name, endings[i]) < 0)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		if (!file_exists(source))
			continue;

		_cleanup_free_ char *folder = strndup(dest, (size_t)(path_base(dest) - dest));
		int r = folder ? file_make_dirs(folder, 0755, err) : ERR_NO_MEMORY;

		return r < 0 ? r : file_copy_new(source, dest, err);
	}
	return 0;
}

/* The folder that `make modules_install` fills: lib/modules/RELEASE, or what it lies in. */
static int find_modules(const char *given, const char *release, char **ret, struct error *err)
{
	_cleanup_free_ char *inside = path_join(given, "lib/modules", release, NULL);
	_cleanup_free_ char *folder = strdup(inside && file_exists(inside) ? inside : given);
	_cleanup_free_ char *order = folder ? path_join(folder, "modules.order", NULL) : NULL;
	_cleanup_free_ char *kernel = folder ? path_join(folder, "kernel", NULL) : NULL;

	if (!inside || !order || !kernel)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(order) || !file_exists(kernel)) {
		error_set(err, ERR_NOT_FOUND, "%s holds no installed modules of kernel %s", given,
			  release);
		error_hint(err, "make them with: make modules_install INSTALL_MOD_PATH=DIR");
		return ERR_NOT_FOUND;
	}
	*ret = TAKE_PTR(folder);
	return 0;
}

static int copy_modules(const char *given, const char *folder, const char *release,
			struct error *err)
{
	_cleanup_free_ char *from = NULL, *order = NULL;
	_cleanup_free_ char *to = path_join(folder, "root/lib/modules", release, NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(ORDER_MAX);
	_cleanup_name_list_ struct name_list names = { 0 };
	int r = find_modules(given, release, &from, err);

	if (r < 0)
		return r;
	order = path_join(from, "modules.order", NULL);
	if (!to || !order)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_read(order, &text, err);
	if (r == 0)
		r = name_list_add_lines(&names, buf_str(&text));
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = path_is_safe_relative(names.items[i])
			    ? copy_module(from, to, names.items[i], err)
			    : error_set(err, ERR_INVALID, "%s names '%s'", order, names.items[i]);
	if (r == 0)
		r = copy_module(from, to, "modules.order", err);
	if (r == 0)
		r = copy_module(from, to, "modules.builtin", err);
	return r < 0 ? r : copy_module(from, to, "modules.builtin.modinfo", err);
}

static int take_modules(const char *modules, const char *folder, kernel_say_fn say,
			const struct kernel_info *info, struct error *err)
{
	struct stat st;

	if (stat(modules, &st) < 0)
		return error_set_errno(err, errno, "cannot open %s", modules);
	return S_ISDIR(st.st_mode) ? copy_modules(modules, folder, info->release, err)
				   : unpack_package(modules, folder, say, info, err);
}

static int take_image(const char *image, const char *folder, kernel_say_fn say,
		      struct kernel_info *info, struct error *err)
{
	_cleanup_close_ int fd = open(image, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *to = path_join(folder, "vmlinuz", NULL);
	char magic[SELFMAG] = "";
	bool deb;
	int r = deb_is_package(image, &deb, err);

	if (r < 0)
		return r;
	if (deb)
		return from_deb(image, folder, say, info, err);
	tell(say, "unpacking %s", path_base(image));
	if (fd >= 0 && pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, ELFMAG, SELFMAG) == 0)
		return strip_vmlinux(image, folder, info, err);
	r = to ? file_copy(image, to, 0644, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r < 0)
		return r;
	r = unpack_vmlinux(folder, info, err);
	return r < 0 ? error_prefix(err, r, "%s", image) : 0;
}

int kernel_files_from(const struct kernel_origin *origin, const char *folder, kernel_say_fn say,
		      struct kernel_info *info, struct error *err)
{
	int r = take_image(origin->image, folder, say, info, err);

	if (r == 0 && origin->modules)
		r = take_modules(origin->modules, folder, say, info, err);
	return r < 0 ? r : make_modules_dep(folder, info->release, err);
}
