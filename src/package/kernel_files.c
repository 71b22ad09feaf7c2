/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kernel_files.h"

#include "base/file.h"
#include "base/process.h"
#include "package/unpack.h"

#define DEPMOD_TIMEOUT_MS (120 * 1000)

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

/* vmlinuz → vmlinux, and the build ID out of it. */
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
		r = vmlinuz_build_id(elf.data, elf.len, info->build_id, err);
	if (r < 0)
		return error_prefix(err, r, "image of %s", info->release);
	return file_write_atomic(to, elf.data, elf.len, 0644, err);
}

/* The package leaves modules.dep to its installation. */
static int make_modules_dep(const char *folder, const char *release, struct error *err)
{
	_cleanup_free_ char *root = path_join(folder, "root", NULL);
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);

	if (!root)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	const char *depmod = file_exists("/sbin/depmod") ? "/sbin/depmod" : "depmod";
	struct process_options options = {
		.argv = (const char *const[]){ depmod, "-b", root, release, NULL },
		.timeout_ms = DEPMOD_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	return process_run(&options, NULL, err);
}

static int from_deb(const char *deb, const char *folder, kernel_say_fn say,
		    struct kernel_info *info, struct error *err)
{
	_cleanup_free_ char *vmlinuz = path_join(folder, "vmlinuz", NULL);
	struct unpack_options options = { .dest = folder,
					  .map = map_image,
					  .user = (void *)info->release };

	tell(say, "unpacking %s", path_base(deb));

	int r = unpack_deb(deb, &options, err);

	if (r < 0)
		return r;
	if (!vmlinuz || !file_exists(vmlinuz))
		return error_set(err, ERR_INVALID, "%s holds no image of kernel %s", deb,
				 info->release);
	r = unpack_vmlinux(folder, info, err);
	return r < 0 ? r : make_modules_dep(folder, info->release, err);
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
	memcpy(info->source_package, apt.source, sizeof(info->source_package));
	r = from_deb(deb, folder, say, info, err);
	return r < 0 ? r : file_remove(deb, err);
}

/* "linux-image-…_VERSION_amd64.deb", which is also the source's version. */
static void version_from_name(const char *deb, struct kernel_info *info)
{
	const char *start = strchr(path_base(deb), '_');
	size_t major = strspn(info->release, "0123456789");
	size_t minor = major && info->release[major] == '.'
			       ? strspn(info->release + major + 1, "0123456789")
			       : 0;

	if (!start || minor == 0)
		return;

	size_t len = strcspn(start + 1, "_");

	if (len == 0 || len >= sizeof(info->version))
		return;
	memcpy(info->version, start + 1, len);
	snprintf(info->source_package, sizeof(info->source_package), "linux-source-%.*s",
		 (int)(major + 1 + minor), info->release);
}

int kernel_files_from(const char *image, const char *folder, kernel_say_fn say,
		      struct kernel_info *info, struct error *err)
{
	static const char ar_magic[] = "!<arch>\n";
	_cleanup_close_ int fd = open(image, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *to = path_join(folder, "vmlinuz", NULL);
	char magic[sizeof(ar_magic) - 1] = "";

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", image);
	if (!to)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, ar_magic, sizeof(magic)) == 0) {
		version_from_name(image, info);
		return from_deb(image, folder, say, info, err);
	}

	int r = file_copy(image, to, 0644, err);

	return r < 0 ? r : unpack_vmlinux(folder, info, err);
}
