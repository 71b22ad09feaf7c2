// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * suture-lab-init: process 1 of suture-lab's guests. Static, so that it needs nothing of the guest.
 * Mounts, loads modules, brings the network up, then serves the command channel (guest_serve.h).
 * Configured by GUEST_CONFIG, lines that the host wrote into the initramfs:
 *
 *	channel virtio|serial    where the commands come from
 *	module PATH              loaded in this order
 *	net                      eth0 gets 10.0.2.15/24 (QEMU's user network)
 *	system                   /dev/vda holds a system: its init becomes process 1, and a child
 *serves the command channel in it hostname NAME
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "lab/guest/guest_config.h"
#include "lab/guest/guest_serve.h"

#define WAIT_STEPS    1000 /* of 10 ms: for devices that appear on their own time */
#define SERIAL_WINDOW 16384
#define VIRTIO_WINDOW 262144
#define SANE_CLOCK    1704067200 /* 2024: an earlier clock was never set */

struct setup {
	struct buf problems;
	bool net, serial, system;
};

static void problem(struct setup *setup, const char *format, ...) _printf_(2, 3);

/* On the console, and to the host with the first answer. */
static void problem(struct setup *setup, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fprintf(stderr, "suture-lab-init: %s\n", text);
	if (buf_printf(&setup->problems, "%s%s", setup->problems.len ? "; " : "", text) < 0)
		fprintf(stderr, "suture-lab-init: too many problems\n");
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void mount_all(struct setup *setup)
{
	static const struct {
		const char *type, *where, *options;
		bool optional;
	} mounts[] = {
		{ "proc", "/proc", NULL, false },
		{ "sysfs", "/sys", NULL, false },
		{ "devtmpfs", "/dev", "mode=0755", false },
		{ "devpts", "/dev/pts", "ptmxmode=0666", true },
		{ "tmpfs", "/dev/shm", "mode=1777", false },
		{ "tmpfs", "/run", "mode=0755", false },
		{ "tmpfs", "/tmp", "mode=1777", false },
		{ "securityfs", "/sys/kernel/security", NULL, true },
		{ "tracefs", "/sys/kernel/tracing", NULL, true },
		{ "debugfs", "/sys/kernel/debug", NULL, true },
		{ "cgroup2", "/sys/fs/cgroup", NULL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, mounts[i].options) <
			    0 &&
		    !mounts[i].optional)
			problem(setup, "mount %s: %s", mounts[i].where, strerror(errno));
	}
	mkdir("/run/lock", 01777);
	/* What programs expect of a system that has udev or an initramfs of its own. */
	if (symlink("/proc/self/fd", "/dev/fd") < 0 || symlink("fd/0", "/dev/stdin") < 0 ||
	    symlink("fd/1", "/dev/stdout") < 0 || symlink("fd/2", "/dev/stderr") < 0)
		problem(setup, "links in /dev: %s", strerror(errno));
}

static void write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "suture-lab-init: %s: %s\n", path, strerror(errno));
}

/* The kernel sets the clock from the RTC when its driver is built in; otherwise this does. */
static void set_clock(struct setup *setup)
{
	struct rtc_time rtc;

	if (time(NULL) >= SANE_CLOCK)
		return;
	_cleanup_close_ int fd = open("/dev/rtc0", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RTC_RD_TIME, &rtc) < 0) {
		problem(setup, "clock: %s", strerror(errno));
		return;
	}
	struct tm tm = { .tm_sec = rtc.tm_sec,
			 .tm_min = rtc.tm_min,
			 .tm_hour = rtc.tm_hour,
			 .tm_mday = rtc.tm_mday,
			 .tm_mon = rtc.tm_mon,
			 .tm_year = rtc.tm_year };
	struct timeval now = { .tv_sec = timegm(&tm) };

	if (settimeofday(&now, NULL) < 0)
		problem(setup, "clock: %s", strerror(errno));
}

static void load_module(struct setup *setup, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		problem(setup, "module %s: %s", path_base(path), strerror(errno));
}

static void bring_up(struct setup *setup, int sock, const char *name, const char *address,
		     const char *mask)
{
	struct ifreq request = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	for (int i = 0; ioctl(sock, SIOCGIFFLAGS, &request) < 0; i++) {
		if (i == WAIT_STEPS) {
			problem(setup, "network: there is no %s", name);
			return;
		}
		pause_ms(10);
	}
	memset(&request.ifr_addr, 0, sizeof(request.ifr_addr));
	in->sin_family = AF_INET;
	bool ok = inet_pton(AF_INET, address, &in->sin_addr) == 1 &&
		  ioctl(sock, SIOCSIFADDR, &request) == 0 &&
		  inet_pton(AF_INET, mask, &in->sin_addr) == 1 &&
		  ioctl(sock, SIOCSIFNETMASK, &request) == 0;
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (!ok || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		problem(setup, "network: %s: %s", name, strerror(errno));
}

/* No route beyond 10.0.2.0/24: the guest reaches the host's loopback as 10.0.2.2 and no more. */
static void start_network(struct setup *setup)
{
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0) {
		problem(setup, "network: %s", strerror(errno));
		return;
	}
	bring_up(setup, sock, "lo", "127.0.0.1", "255.0.0.0");
	if (setup->net)
		bring_up(setup, sock, "eth0", "10.0.2.15", "255.255.255.0");
}

static void apply_line(struct setup *setup, char *line)
{
	char *value = strchr(line, ' ');

	if (value)
		*value++ = 0;
	if (streq(line, "net"))
		setup->net = true;
	else if (streq(line, "system"))
		setup->system = true;
	else if (value && streq(line, "module"))
		load_module(setup, value);
	else if (value && streq(line, "channel"))
		setup->serial = streq(value, "serial");
	else if (value && streq(line, "hostname") && sethostname(value, strlen(value)) < 0)
		problem(setup, "hostname: %s", strerror(errno));
}

static void apply_config(struct setup *setup)
{
	_cleanup_buf_ struct buf config = BUF_INIT(GUEST_CONFIG_MAX);
	struct error err = { 0 };
	char *rest = NULL;

	if (file_read(GUEST_CONFIG, &config, &err) < 0) {
		problem(setup, "%s", err.message);
		return;
	}
	if (config.len == 0)
		return;
	for (char *line = strtok_r((char *)config.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		apply_line(setup, line);
}

/* The port's device appears when the host has named it. */
static int open_virtio_port(void)
{
	for (int i = 0; i < WAIT_STEPS; i++, pause_ms(10)) {
		DIR *dir = opendir("/sys/class/virtio-ports");

		for (struct dirent *d; dir && (d = readdir(dir));) {
			char path[320];
			_cleanup_free_ char *name = NULL;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", d->d_name);
			if (d->d_name[0] == '.' || file_read_line(path, &name, NULL) < 0 ||
			    !streq(name, GUEST_PORT_NAME))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

			closedir(dir);
			return fd;
		}
		if (dir)
			closedir(dir);
	}
	errno = ENODEV;
	return -1;
}

static int open_serial_line(void)
{
	struct termios t;
	int fd = open("/dev/ttyS1", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &t) < 0)
		return -1;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) < 0 ? -1 : fd;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Serves the host until it wants the machine off. */
static void serve(struct setup *setup)
{
	int signals = open_signals();
	int fd = setup->serial ? open_serial_line() : open_virtio_port();

	if (fd < 0) {
		fprintf(stderr, "suture-lab-init: command channel: %s\n", strerror(errno));
		power_off();
	}
	if (!setup->serial &&
	    (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0))
		problem(setup, "command channel: %s", strerror(errno));
	guest_serve(
		&(struct guest_channel){ .fd = fd,
					 .signal_fd = signals,
					 .window = setup->serial ? SERIAL_WINDOW : VIRTIO_WINDOW,
					 .problems = buf_str(&setup->problems) });
	power_off();
}

/* The disk becomes the root, with all that is mounted so far moved into it. False leaves us where
 * we are, and a problem that the host gets to know. */
static bool enter_disk(struct setup *setup)
{
	static const char *const moved[] = { "/proc", "/sys", "/dev", "/run" };
	char to[64];

	mkdir("/system", 0755);
	for (int i = 0; access("/dev/vda", F_OK) < 0 && i < WAIT_STEPS; i++)
		pause_ms(10);
	if (mount("/dev/vda", "/system", "ext4", 0, NULL) < 0) {
		problem(setup, "disk: %s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		snprintf(to, sizeof(to), "/system%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
			problem(setup, "disk: moving %s: %s", moved[i], strerror(errno));
	}
	if (chdir("/system") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0) {
		problem(setup, "disk: becoming the root: %s", strerror(errno));
		return false;
	}
	return true;
}

/* The disk's init takes our place. Our child is spared when that ends everybody: systemd, and
 * others before it, leave processes alone whose name begins with '@'. */
static void become_system(struct setup *setup, char *name)
{
	char path[] = "/sbin/init", *const argv[] = { path, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		name[0] = '@';
		setsid();
		serve(setup);
	}
	if (pid > 0)
		execv(path, argv);
	fprintf(stderr, "suture-lab-init: /sbin/init: %s\n", strerror(errno));
	power_off();
}

int main(int argc, char **argv)
{
	struct setup setup = { .problems = BUF_INIT(1024) };

	if (getpid() != 1) {
		fprintf(stderr, "suture-lab-init: this is process 1 of suture-lab's guests, "
				"and of use nowhere else\n");
		return 2;
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	umask(022);
	mount_all(&setup);
	apply_config(&setup);
	set_clock(&setup);
	start_network(&setup);
	/* The boot was quiet; from here on the console log shows everything. */
	write_text("/proc/sys/kernel/printk", "8\n");
	if (setup.system && argc > 0 && enter_disk(&setup))
		become_system(&setup, argv[0]);
	serve(&setup);
}
