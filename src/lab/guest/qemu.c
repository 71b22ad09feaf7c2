// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/qemu.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/process.h"
#include "lab/guest/guest_config.h"
#include "lab/guest/qmp.h"
#include "lab/guest/secure_boot.h"

#define ARGS_MAX 96
#define TEXT_MAX 8192

/* An argument vector that owns its texts. */
struct args {
	const char *argv[ARGS_MAX + 1];
	size_t n;
	char text[TEXT_MAX];
	size_t used;
	bool full;
};

static void add(struct args *a, const char *format, ...) _printf_(2, 3);

static void add(struct args *a, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(a->text + a->used, TEXT_MAX - a->used, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= TEXT_MAX - a->used || a->n == ARGS_MAX) {
		a->full = true;
		return;
	}
	a->argv[a->n++] = a->text + a->used;
	a->used += (size_t)n + 1;
}

static void add2(struct args *a, const char *option, const char *value)
{
	add(a, "%s", option);
	add(a, "%s", value);
}

bool qemu_kvm_works(void)
{
	static const char *const argv[] = { QEMU_PROGRAM,
					    "-accel",
					    "kvm",
					    "-cpu",
					    "host",
					    "-nodefaults",
					    "-no-user-config",
					    "-display",
					    "none",
					    "-chardev",
					    "stdio,id=debug",
					    "-device",
					    "isa-debugcon,iobase=0x402,chardev=debug",
					    NULL };
	_cleanup_buf_ struct buf out = BUF_INIT(64);

	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return false;
	/* SeaBIOS says more than 64 bytes as soon as it runs. */
	_cleanup_buf_ struct buf errout = BUF_INIT(4096);
	int r = process_run(
		&(struct process_options){
			.argv = argv, .timeout_ms = 3000, .out = &out, .errout = &errout },
		NULL, NULL);

	return r == ERR_TOO_LARGE && out.len > 0;
}

static int add_accel(struct args *a, const struct guest_options *o, struct error *err)
{
	bool kvm = (o->accel == GUEST_KVM || o->accel == GUEST_AUTO) && qemu_kvm_works();

	if (o->accel == GUEST_KVM && !kvm)
		return error_set(err, ERR_UNSUPPORTED, "KVM does not work on this machine");
	add2(a, "-accel",
	     kvm                           ? "kvm"
	     : o->accel == GUEST_TCG_MULTI ? "tcg,thread=multi"
					   : "tcg,thread=single");
	add2(a, "-cpu", o->cpu ? o->cpu : kvm ? "host" : "max");
	return 0;
}

static void add_devices(struct args *a, const struct guest_options *o, bool serial_channel)
{
	/* Before the channel: once that is there, this has been opened. */
	add(a, "-chardev");
	add(a, "pipe,id=control,path=%s/" QMP_PIPE, o->dir);
	add2(a, "-mon", "chardev=control,mode=control");
	/* A triple fault looks like any other reset but for what is written here. */
	add2(a, "-d", "cpu_reset");
	add(a, "-D");
	add(a, "%s/" QEMU_RESETS, o->dir);
	add(a, "-chardev");
	if (o->terminal)
		add(a,
		    "socket,id=console,path=%s/" QEMU_TERMINAL
		    ",server=on,wait=off,logfile=%s/" QEMU_CONSOLE,
		    o->dir, o->dir);
	else
		add(a, "file,id=console,path=%s/" QEMU_CONSOLE, o->dir);
	add2(a, "-serial", "chardev:console");
	add(a, "-chardev");
	add(a, "socket,id=channel,path=%s/" QEMU_CHANNEL ",server=on,wait=off", o->dir);
	if (serial_channel) {
		add2(a, "-serial", "chardev:channel");
	} else {
		add2(a, "-device", "virtio-serial-pci,max_ports=2");
		add2(a, "-device", "virtserialport,chardev=channel,name=" GUEST_PORT_NAME);
	}
	/* Disks are named in this order: the system is /dev/vda. */
	if (o->system) {
		add(a, "-drive");
		add(a, "if=virtio,format=raw,file=%s", o->system);
	}
	if (o->disk) {
		add(a, "-drive");
		add(a, "if=virtio,format=raw,file=%s", o->disk);
	}
	if (o->net) {
		add2(a, "-netdev", "user,id=net,ipv6=off");
		add2(a, "-device", "virtio-net-pci,netdev=net,romfile=");
	}
}

const char *qemu_machine(const struct guest_options *options)
{
	return options->machine ? options->machine : options->secure_boot ? "q35" : "pc";
}

/* Firmware whose variables only system management mode can write, and the signed kernel. */
static void add_secure_boot(struct args *a, const struct guest_options *o)
{
	add2(a, "-global", "driver=cfi.pflash01,property=secure,value=on");
	add2(a, "-global", "ICH9-LPC.disable_s3=1");
	add2(a, "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=" SECURE_BOOT_FIRMWARE);
	add(a, "-drive");
	add(a, "if=pflash,format=raw,unit=1,file=%s/" SECURE_BOOT_VARIABLES, o->dir);
	add(a, "-kernel");
	add(a, "%s/" SECURE_BOOT_IMAGE, o->dir);
}

/* An NMI that nobody expects is ours, to a guest that hangs: let it tell where. no_timer_check: an
 * emulator that does not get its processor for a moment makes the kernel believe that its timer
 * does not work. */
#define COMMAND_LINE "console=ttyS0 quiet panic=-1 unknown_nmi_panic no_timer_check rdinit=/init"
/* The traces of all processors with it, since any may be the one that hangs. */
#define ALL_TRACES   " panic_print=0x40"

static int build(struct args *a, const struct guest_options *o, bool serial_channel,
		 struct error *err)
{
	unsigned int memory_mb = o->memory_mb ? o->memory_mb : 512;

	add(a, QEMU_PROGRAM);
	add(a, "-machine");
	add(a, "%s%s%s", qemu_machine(o), o->secure_boot ? ",smm=on" : "",
	    o->memory_file ? ",memory-backend=ram" : "");
	int r = add_accel(a, o, err);

	if (r < 0)
		return r;
	add(a, "-smp");
	add(a, "%u", o->cpus ? o->cpus : 1);
	add(a, "-m");
	add(a, "%u", memory_mb);
	if (o->memory_file) {
		add(a, "-object");
		add(a, "memory-backend-file,id=ram,share=on,size=%uM,mem-path=%s", memory_mb,
		    o->memory_file);
	}
	add(a, "-nodefaults");
	add(a, "-no-user-config");
	add(a, "-no-reboot");
	add2(a, "-display", "none");
	/* The guest is hostile: what QEMU does not need, it may not do. */
	add2(a, "-sandbox",
	     "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	if (o->secure_boot)
		add_secure_boot(a, o);
	else
		add2(a, "-kernel", o->image);
	add(a, "-initrd");
	add(a, "%s/" QEMU_INITRAMFS, o->dir);
	add(a, "-append");
	add(a, COMMAND_LINE "%s%s%s", o->cpus > 1 ? ALL_TRACES : "", o->append ? " " : "",
	    o->append ? o->append : "");
	add_devices(a, o, serial_channel);
	add(a, "-pidfile");
	add(a, "%s/" QEMU_PID_FILE, o->dir);
	return a->full ? error_set(err, ERR_TOO_LARGE, "QEMU's command line is too long") : 0;
}

static int explain(int r, struct error *err)
{
	if (r != -ENOENT)
		return r;
	error_set(err, ERR_NOT_FOUND, QEMU_PROGRAM " is not installed");
	error_hint(err, "install the package qemu-system-x86");
	return ERR_NOT_FOUND;
}

/* The console log is a file that the guest fills. So are the disks, which are there in their whole
 * size. */
static void bound_files(pid_t pid, const struct guest_options *o)
{
	const char *const disks[] = { o->system, o->disk };
	rlim_t most = GUEST_CONSOLE_MAX;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		if (disks[i] && stat(disks[i], &st) == 0)
			most = MAX(most, (rlim_t)st.st_size);
	prlimit(pid, RLIMIT_FSIZE, &(struct rlimit){ .rlim_cur = most, .rlim_max = most }, NULL);
}

/* As process_start(), but in a session of its own, and it outlives us. */
static int start_detached(const char *const *argv, int log, pid_t *ret_pid, struct error *err)
{
	int report[2], errnum = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		/* What our caller left open is not for a process that stays. */
		close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
		if (setsid() >= 0 && chdir("/") == 0 && dup2(null, 0) >= 0 && dup2(log, 1) >= 0 &&
		    dup2(log, 2) >= 0)
			execvp(argv[0], (char *const *)argv);
		errnum = errno;
		_exit(write(report[1], &errnum, sizeof(errnum)) < 0 ? 126 : 127);
	}
	if (pid < 0)
		errnum = errno;
	close(report[1]);
	if (pid > 0 && read(report[0], &errnum, sizeof(errnum)) != sizeof(errnum))
		errnum = 0;
	close(report[0]);
	if (errnum != 0) {
		if (pid > 0)
			waitpid(pid, NULL, 0);
		return error_set_errno(err, errnum, "%s", argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

static int start(const struct args *a, const struct guest_options *o, pid_t *ret_pid,
		 struct error *err)
{
	_cleanup_free_ char *path = path_join(o->dir, QEMU_ERRORS, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "QEMU");
	_cleanup_close_ int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (log < 0)
		return error_set_errno(err, errno, "%s", path);
	int r = o->stays ? start_detached(a->argv, log, ret_pid, err)
			 : process_start(a->argv, log, ret_pid, err);

	if (r < 0)
		return explain(r, err);
	bound_files(*ret_pid, o);
	return 0;
}

int qemu_start(const struct guest_options *options, bool serial_channel, pid_t *ret_pid,
	       struct error *err)
{
	_cleanup_free_ struct args *a = calloc(1, sizeof(*a));
	int r = a ? build(a, options, serial_channel, err) : error_set(err, ERR_NO_MEMORY, "QEMU");

	return r < 0 ? r : start(a, options, ret_pid, err);
}

/* Whether the process's arguments name the folder: its number may be another's by now. */
static bool is_qemu_of(intmax_t pid, const char *dir)
{
	_cleanup_buf_ struct buf arguments = BUF_INIT(64 * 1024);
	char path[64], mark[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%jd/cmdline", pid);
	int n = snprintf(mark, sizeof(mark), "%s/" QEMU_PID_FILE, dir);

	return n < (int)sizeof(mark) && file_read(path, &arguments, NULL) == 0 &&
	       arguments.len > 0 && memmem(arguments.data, arguments.len, mark, (size_t)n + 1);
}

int qemu_pid(const char *dir, pid_t *ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, QEMU_PID_FILE, NULL), *text = NULL;
	char *end = NULL;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "QEMU");
	if (file_read_line(path, &text, NULL) < 0)
		return error_set(err, ERR_BAD_STATE, "the guest has ended");
	intmax_t pid = strtoimax(text, &end, 10);

	if (end == text || pid < 2 || pid > INT_MAX || !is_qemu_of(pid, dir))
		return error_set(err, ERR_BAD_STATE, "the guest has ended");
	*ret = (pid_t)pid;
	return 0;
}
