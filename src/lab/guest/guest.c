// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/guest.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "lab/guest/guest_image.h"
#include "lab/guest/qemu.h"
#include "lab/guest/qmp.h"
#include "lab/guest/secure_boot.h"

#define BOOT_MS        300000 /* seconds on a machine of its own, minutes on a busy one */
#define STOP_MS        10000
#define END_MS         2000 /* for QEMU's last words */
#define LOOK_MS        20   /* between looks at the console log */
#define GUEST_FILE_MAX (256 * 1024 * 1024)

struct guest {
	char *dir;
	pid_t child; /* QEMU, if this process started it; 0: another did */
	bool stays;
	struct channel *channel;
	char *problems;
};

static int make_guest(const char *dir, struct guest **ret, struct error *err)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g || !(g->dir = strdup(dir))) {
		free(g);
		return error_set(err, ERR_NO_MEMORY, "guest");
	}
	*ret = g;
	return 0;
}

void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	channel_free(guest->channel);
	if (guest->child > 0 && !guest->stays)
		process_stop(guest->child, 0);
	free(guest->problems);
	free(guest->dir);
	free(guest);
}

static size_t console_size(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, QEMU_CONSOLE, NULL);
	struct stat st;

	return path && stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static int console_from(const char *dir, size_t offset, struct buf *out, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, QEMU_CONSOLE, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "console log");
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return error_set_errno(err, errno, "%s", path);
	return file_read_fd(fd, out, err);
}

int guest_console(const struct guest *guest, struct buf *out, struct error *err)
{
	return console_from(guest->dir, 0, out, err);
}

size_t guest_console_size(const struct guest *guest)
{
	return console_size(guest->dir);
}

int guest_console_from(const struct guest *guest, size_t offset, struct buf *out, struct error *err)
{
	return console_from(guest->dir, offset, out, err);
}

/* The last line of a log that is not empty, without what a terminal would not print. */
static void last_line(const struct buf *log, char *ret, size_t size)
{
	size_t end = log->len, start;

	while (end > 0 && (log->data[end - 1] <= ' ' || log->data[end - 1] > '~'))
		end--;
	for (start = end; start > 0 && log->data[start - 1] != '\n'; start--)
		;
	snprintf(ret, size, "%.*s", (int)MIN(end - start, size),
		 end > 0 ? (const char *)log->data + start : "");
}

/* Adds to "the guest has ended" and the like what its console, or else QEMU itself, says. */
static int explain(const struct guest *guest, int r, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	_cleanup_free_ char *path = path_join(guest->dir, QEMU_ERRORS, NULL);
	struct console_report report = { 0 };
	char line[256] = "";

	if ((r != ERR_BAD_STATE && r != ERR_TIMEOUT) || !err)
		return r;
	if (guest_console(guest, &log, NULL) == 0)
		console_classify(log.data, log.len, &report);
	if (report.verdict != CONSOLE_CLEAN)
		console_headline(&report, line, sizeof(line));
	else if (log.len > 0 || (path && file_read(path, &log, NULL) == 0))
		last_line(&log, line, sizeof(line));
	_cleanup_free_ char *message = strdup(err->message);

	if (line[0] && message)
		error_set(err, r, "%s; last heard: %s", message, line);
	return r;
}

/* Waits for the greeting; a QEMU that ends before shows as a refused connection, or not at all when
 * it never made its socket: then its status tells. */
static int connect_channel(struct guest *g, int timeout_ms, struct error *err)
{
	_cleanup_free_ char *path = path_join(g->dir, QEMU_CHANNEL, NULL);
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "guest");
	while (g->child > 0 && access(path, F_OK) < 0) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)g->child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid != 0 || clock_monotonic_ms() > deadline_ms)
			return error_set(err, ERR_BAD_STATE, "QEMU did not start");
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	}
	int left = (int)MAX(deadline_ms - clock_monotonic_ms(), (int64_t)1);

	return channel_connect(path, left, &g->channel, &g->problems, err);
}

static int check_options(const struct guest_options *o, struct error *err)
{
	struct stat st;

	if (!o->dir || o->dir[0] != '/' || strchr(o->dir, ','))
		return error_set(err, ERR_INVALID, "%s: not usable as a guest's folder",
				 o->dir ? o->dir : "");
	if (stat(o->image, &st) < 0)
		return error_set_errno(err, errno, "kernel image %s", o->image);
	return 0;
}

int guest_start(const struct guest_options *options, struct guest **ret, struct error *err)
{
	_cleanup_(guest_freep) struct guest *g = NULL;
	_cleanup_free_ char *initramfs = NULL;
	_cleanup_close_ int control = -1;
	bool serial = false;
	int r = check_options(options, err);

	if (r == 0)
		r = make_guest(options->dir, &g, err);
	if (r < 0)
		return r;
	initramfs = path_join(options->dir, QEMU_INITRAMFS, NULL);
	if (!initramfs)
		return error_set(err, ERR_NO_MEMORY, "guest");
	r = guest_image_write(options, initramfs, &serial, err);
	if (r == 0 && options->secure_boot)
		r = secure_boot_prepare(options->image, options->dir, err);
	g->stays = options->stays;
	if (r == 0)
		r = qmp_prepare(options->dir, &control, err);
	if (r == 0)
		r = qemu_start(options, serial, &g->child, err);
	if (r == 0)
		r = connect_channel(
			g, options->boot_timeout_ms ? options->boot_timeout_ms : BOOT_MS, err);
	unlink(initramfs); /* QEMU has read it */
	if (r < 0) {
		explain(g, r, err);
		g->stays = false;
		return r;
	}
	*ret = TAKE_PTR(g);
	return 0;
}

int guest_attach(const char *dir, int timeout_ms, struct guest **ret, struct error *err)
{
	_cleanup_(guest_freep) struct guest *g = NULL;
	pid_t pid;
	int r = make_guest(dir, &g, err);

	if (r < 0)
		return r;
	r = qemu_pid(dir, &pid, err);
	if (r == 0)
		r = connect_channel(g, timeout_ms, err);
	if (r < 0)
		return explain(g, r, err);
	*ret = TAKE_PTR(g);
	return 0;
}

enum guest_end guest_end(struct guest *guest)
{
	int64_t deadline_ms = clock_monotonic_ms() + END_MS;
	enum guest_end end;

	while ((end = guest_end_of(guest->dir)) == GUEST_RUNS && clock_monotonic_ms() < deadline_ms)
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	return end;
}

int guest_hang_trace(struct guest *guest, int timeout_ms, struct error *err)
{
	_cleanup_buf_ struct buf said = BUF_INIT(GUEST_CONSOLE_MAX + 1);

	return guest_hang_trace_of(guest->dir, timeout_ms, &said, err);
}

int guest_hang_trace_of(const char *dir, int timeout_ms, struct buf *out, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	size_t offset = console_size(dir), before = out->len;
	int r = qmp_execute(dir, "inject-nmi", timeout_ms, err);

	/* The panic resets the machine, which ends QEMU: nothing more will be told. */
	while (r == 0 && guest_is_alive(dir) && clock_monotonic_ms() < deadline_ms)
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	if (r == 0)
		r = console_from(dir, offset, out, err);
	if (r < 0)
		return r;
	return memmem(buf_str(out) + before, out->len - before, "Kernel panic", 12)
		       ? 0
		       : error_set(err, ERR_TIMEOUT, "the kernel took no notice of an NMI");
}

void guest_describe(const struct guest_options *o, char ret[static GUEST_DESCRIPTION_MAX])
{
	static const char *const accels[] = { "tcg", "tcg-multi", "kvm", "auto" };
	unsigned cpus = o->cpus ? o->cpus : 1;

	snprintf(ret, GUEST_DESCRIPTION_MAX, "%s, %u cpu%s, %u MB, %s%s%.40s%s", qemu_machine(o),
		 cpus, cpus == 1 ? "" : "s", o->memory_mb ? o->memory_mb : 512, accels[o->accel],
		 o->cpu ? " " : "", o->cpu ? o->cpu : "", o->secure_boot ? ", secure boot" : "");
}

bool guest_is_alive(const char *dir)
{
	pid_t pid;

	return qemu_pid(dir, &pid, NULL) == 0;
}

/* Kills a process by a descriptor that cannot mean another one, and waits until it is gone. */
static int kill_and_wait(pid_t pid, const char *dir, int grace_ms, struct error *err)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t again;

	if (fd < 0 || qemu_pid(dir, &again, NULL) < 0 || again != pid)
		return 0;
	if (grace_ms > 0 && poll(&p, 1, grace_ms) > 0)
		return 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return error_set_errno(err, errno, "QEMU %d", (int)pid);
	return poll(&p, 1, STOP_MS) > 0 ? 0 : error_set(err, ERR_TIMEOUT, "QEMU does not end");
}

int guest_kill(const char *dir, struct error *err)
{
	pid_t pid;

	return qemu_pid(dir, &pid, NULL) < 0 ? 0 : kill_and_wait(pid, dir, 0, err);
}

int guest_stop(struct guest *guest, struct error *err)
{
	_cleanup_(guest_freep) struct guest *g = guest;
	bool asked = channel_power_off(g->channel, NULL) == 0;
	pid_t pid;

	if (qemu_pid(g->dir, &pid, NULL) < 0)
		return 0;
	return kill_and_wait(pid, g->dir, asked ? STOP_MS : 0, err);
}

const char *guest_problems(const struct guest *guest)
{
	return guest->problems ? guest->problems : "";
}

int guest_run(struct guest *guest, const struct channel_command *command,
	      struct channel_result *ret, struct error *err)
{
	int r = channel_run(guest->channel, command, ret, err);

	return r < 0 ? explain(guest, r, err) : 0;
}

static int append_output(void *user, bool is_error, const void *data, size_t len)
{
	(void)is_error;
	return buf_append(user, data, len);
}

int guest_run_simple(struct guest *guest, const char *const *argv, int timeout_ms, struct buf *out,
		     struct error *err)
{
	_cleanup_buf_ struct buf own = BUF_INIT(1024 * 1024);
	struct channel_result result;
	struct buf *output = out ? out : &own;
	size_t before = output->len;
	char line[ERROR_MESSAGE_MAX - 128];
	int r = guest_run(guest,
			  &(struct channel_command){ .argv = argv,
						     .timeout_ms = timeout_ms,
						     .output = append_output,
						     .user = output },
			  &result, err);

	if (r < 0)
		return r;
	if (result.timed_out)
		return error_set(err, ERR_TIMEOUT, "%s: not done after %d s", argv[0],
				 timeout_ms / 1000);
	if (result.status == 0)
		return 0;
	struct buf said = { .data = output->data ? output->data + before : NULL,
			    .len = output->len - before };

	last_line(&said, line, sizeof(line));
	if (line[0])
		return error_set(err, ERR_CHILD, "%s: %s", argv[0], line);
	return error_set(err, ERR_CHILD, "%s: status %d", argv[0], result.status);
}

int guest_put(struct guest *guest, const char *host_path, const char *guest_path, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(GUEST_FILE_MAX);
	struct stat st;

	if (stat(host_path, &st) < 0)
		return error_set_errno(err, errno, "%s", host_path);
	int r = file_read(host_path, &data, err);

	if (r == 0)
		r = channel_put(guest->channel, guest_path, st.st_mode & 07777, data.data, data.len,
				err);
	return r < 0 ? explain(guest, r, err) : 0;
}

int guest_get(struct guest *guest, const char *guest_path, struct buf *out, struct error *err)
{
	int r = channel_get(guest->channel, guest_path, out, err);

	return r < 0 ? explain(guest, r, err) : 0;
}

int guest_wait_console(struct guest *guest, const char *text, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
		bool alive = guest_is_alive(guest->dir);
		int r = guest_console(guest, &log, err);

		if (r < 0)
			return r;
		if (memmem(buf_str(&log), log.len, text, strlen(text)))
			return 0;
		if (!alive)
			return explain(guest, error_set(err, ERR_BAD_STATE, "the guest has ended"),
				       err);
		if (clock_monotonic_ms() >= deadline_ms)
			return error_set(err, ERR_TIMEOUT, "the console did not say '%s'", text);
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	}
}

int guest_health(struct guest *guest, struct console_report *ret, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	_cleanup_buf_ struct buf kernel_log = BUF_INIT(4 * 1024 * 1024);
	static const char *const dmesg[] = { "dmesg", NULL };
	int r = guest_console(guest, &log, err);

	if (r < 0)
		return r;
	console_classify(log.data, log.len, ret);
	/* The boot was quiet: its warnings are in the kernel log only. */
	if (ret->verdict == CONSOLE_PANIC ||
	    guest_run_simple(guest, dmesg, 30000, &kernel_log, NULL) < 0)
		return 0;
	struct console_report of_kernel;

	console_classify(kernel_log.data, kernel_log.len, &of_kernel);
	if (of_kernel.verdict >= ret->verdict)
		*ret = of_kernel;
	return 0;
}
