/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/module.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/root.h"

int kernel_module_seal(const char *name, const void *data, size_t len, int *ret_fd,
		       struct error *err)
{
	_cleanup_close_ int fd = -1;
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int r;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(err, errno, "memory file for %s", name);
	r = file_write_fd(fd, data, len, err);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return error_set_errno(err, errno, "sealing the memory file for %s", name);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "memory file for %s", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* What the kernel says, what it means, and what helps. */
static const struct {
	int errnum;
	const char *meaning;
	const char *hint;
} refusals[] = {
	{ EKEYREJECTED,
	  "its signature is not by a key that this kernel trusts, or .blacklist forbids it",
	  "`suture check` says which module certificates the kernel has, and sutured's log which key "
	  "it found for this module; if there is none, enrol it (MOK or the firmware's db) and "
	  "reboot" },
	{ ENOKEY, "it is signed with a key that is in none of the kernel's keyrings",
	  "enrol the module certificate (MOK or the firmware's db) and reboot" },
	{ EBADMSG, "its signature is malformed", "have the module signed again" },
	{ ENOPKG, "the kernel lacks the algorithm of its signature",
	  "sign modules with RSA and SHA-256" },
	{ EPERM,
	  "loading modules is forbidden here (lockdown, modules_disabled or no CAP_SYS_MODULE)",
	  "run `suture check`" },
	{ EACCES, "a security module forbids loading from memory (IMA or LoadPin policy)",
	  "run `suture check`" },
	{ ENOEXEC, "it is not a module for this kernel (format, vermagic or symbol versions)",
	  "see the kernel log: `dmesg`" },
	{ EEXIST, "a module of this name is already loaded", "remove it with `rmmod`, then retry" },
	{ EBUSY, "another livepatch is changing over, or the module is being loaded already",
	  "wait for it to end, then run `suture refresh`" },
	{ EINVAL,
	  "the livepatch does not fit: a function is missing or ambiguous, or an applied livepatch "
	  "has states that this one lacks",
	  "see the kernel log: `dmesg`" },
	{ ENOENT, "it uses a symbol that this kernel does not have",
	  "see the kernel log: `dmesg`" },
	{ ETXTBSY, "its memory file is still open for writing", "" },
	{ EFAULT, "the kernel could not change its code (ftrace)", "see the kernel log: `dmesg`" },
	{ ENOSYS, "the kernel was built without modules", "" },
	{ EIO, "the kernel could not read it", "" },
};

int kernel_module_explain(int errnum, const char *name, struct error *err)
{
	if (errnum == ENOMEM)
		return error_set(err, ERR_NO_MEMORY, "the kernel has no memory for module %s",
				 name);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].errnum != errnum)
			continue;
		error_set(err, ERR_KERNEL_REFUSED, "the kernel refused module %s: %s", name,
			  refusals[i].meaning);
		if (refusals[i].hint[0])
			error_hint(err, "%s", refusals[i].hint);
		return ERR_KERNEL_REFUSED;
	}
	error_set_errno(err, errnum, "the kernel refused module %s", name);
	if (err)
		err->code = ERR_KERNEL_REFUSED;
	return ERR_KERNEL_REFUSED;
}

int kernel_module_load(const char *root, int fd, const char *name, const char *parameters,
		       struct error *err)
{
	if (!kernel_root_is_real(root))
		return error_set(err, ERR_UNSUPPORTED,
				 "module %s not loaded: the files below %s are not this machine's",
				 name, root);
	if (syscall(SYS_finit_module, fd, parameters, 0) < 0)
		return kernel_module_explain(errno, name, err);
	return 0;
}

bool kernel_module_is_loaded(const char *root, const char *name)
{
	struct kernel_path path;

	return kernel_path(&path, root, "/sys/module/%s/initstate", name) == 0 &&
	       file_exists(path.s);
}

int kernel_module_remove(const char *root, const char *name, int timeout_ms, struct error *err)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;
	int pause = 5;

	if (!kernel_module_is_loaded(root, name))
		return 0;
	if (!kernel_root_is_real(root))
		return error_set(err, ERR_UNSUPPORTED, "module %s not removed: %s is not a machine",
				 name, root);
	while (syscall(SYS_delete_module, name, O_NONBLOCK) < 0) {
		if (errno == ENOENT)
			return 0;
		if (errno != EAGAIN && errno != EBUSY && errno != EINTR)
			return error_set_errno(err, errno, "removing module %s", name);
		if (clock_monotonic_ms() >= end)
			return error_set(err, ERR_STUCK, "module %s is still in use after %d s",
					 name, timeout_ms / 1000);
		poll(NULL, 0, pause);
		pause = MIN(pause * 2, 100);
	}
	return 0;
}
