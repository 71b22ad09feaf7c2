/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest: a kernel booted in QEMU with our own init, programs and files in an initramfs, that runs
 * commands for the host. The kernel is the stock one, the rest is hostile as far as the host is
 * concerned: whatever comes out of it is bounded.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "lab/guest/channel.h"
#include "lab/guest/console.h"

/* The console log is cut here, by a limit on the size of QEMU's files; with a disk, which is such a
 * file too, at its size if that is more. */
#define GUEST_CONSOLE_MAX (16 * 1024 * 1024)

enum guest_accel {
	GUEST_TCG,       /* emulation by one thread: the reference, since it is exact with code that
			    changes while it runs */
	GUEST_TCG_MULTI, /* a thread for each processor */
	GUEST_KVM,       /* hardware; ERR_UNSUPPORTED where it does not work */
	GUEST_AUTO,      /* KVM if a short probe shows that it works, TCG otherwise */
};

struct guest_options {
	const char *image;   /* bzImage */
	const char *modules; /* folder with `kernel/`: lib/modules/RELEASE; NULL: none */
	unsigned cpus;       /* 0: 1 */
	unsigned memory_mb;  /* 0: 512 */
	enum guest_accel accel;
	const char *cpu; /* processor, as qemu-system-x86_64 -cpu takes it; NULL: `max`, or `host`
			    with KVM */
	bool net; /* eth0 with 10.0.2.15/24; the host's 127.0.0.1 is 10.0.2.2. No route beyond is
		     set up; nothing stops root in the guest from adding one. */
	const char *machine; /* QEMU's machine type: pc or q35; NULL: pc, or q35 with Secure Boot */
	bool secure_boot;    /* with UEFI firmware that takes signed kernels only (secure_boot.h) */
	const char *disk;    /* raw image of a virtio disk; or NULL */
	const char *system;  /* raw image of an ext4 file system with a whole system: its /sbin/init
				becomes process 1, and commands run in it. What the guest writes
				stays in the file. NULL: none */
	const char
		*memory_file; /* of memory_mb: the guest's memory, which outlives it there; or NULL
			       */
	const char *append;   /* added to the kernel's command line; may be NULL */
	const char *const *load;     /* modules to load at start, by name; may be NULL */
	const char *const *programs; /* HOST or HOST:GUEST; without GUEST: /usr/bin/NAME */
	const char *const *files;    /* HOST:GUEST */
	int boot_timeout_ms;         /* 0: 120 s */
	const char *dir; /* where sockets, log and pid file go: absolute, existing, 0700, without
			    commas; the caller removes it */
	bool terminal;   /* the console is a socket too (QEMU_TERMINAL), for terminal_join() */
	bool stays;      /* QEMU goes on when this program ends; otherwise it dies with it */
};

struct guest;

/*
 * Boots and waits until the guest answers.
 * Errors: -errno, ERR_NOT_FOUND (image, module, QEMU, busybox), ERR_TIMEOUT, ERR_BAD_STATE (the
 * guest ended; the message says what its console says), ERR_UNSUPPORTED, ERR_CHILD (QEMU refused).
 */
int guest_start(const struct guest_options *options, struct guest **ret, struct error *err);
/* Another program's guest that `stays`, by its folder. ERR_BAD_STATE if it has ended. */
int guest_attach(const char *dir, int timeout_ms, struct guest **ret, struct error *err);
/* Lets go of a guest that stays; ends any other at once. */
void guest_free(struct guest *guest);
DEFINE_CLEANUP(struct guest *, guest_free);
/* Powers off, then ends QEMU if that took over 10 s. Frees. A guest that had ended is no error. */
int guest_stop(struct guest *guest, struct error *err);
/* Ends the guest of a folder without asking it; no error if it has ended. */
int guest_kill(const char *dir, struct error *err);
/* Whether the QEMU of a folder runs. */
bool guest_is_alive(const char *dir);

/* How a guest ended. */
enum guest_end {
	GUEST_RUNS,         /* it has not */
	GUEST_POWERED_OFF,  /* the kernel switched the machine off */
	GUEST_RESET,        /* the kernel asked for a reset: a panic, or a reboot */
	GUEST_TRIPLE_FAULT, /* the machine was reset, and the kernel had said nothing of it */
	GUEST_KILLED,       /* QEMU was ended from outside, or failed */
};

/* How the guest of a folder ended, as QEMU told before it went, whoever started it. */
enum guest_end guest_end_of(const char *dir);
/* The same, after a moment for a guest that is about to end. */
enum guest_end guest_end(struct guest *guest);
/* "runs", "powered off", "reset", "triple fault", "QEMU was ended". */
const char *guest_end_name(enum guest_end end);

/* For a guest that does not answer: an interrupt that cannot be masked makes its kernel panic
 * (unknown_nmi_panic), and so tell on the console where each processor was. Waits until the panic
 * has been told and ended the guest, `timeout_ms` at most: ERR_TIMEOUT; other errors are those of
 * qmp_execute(). */
int guest_hang_trace(struct guest *guest, int timeout_ms, struct error *err);
/* The same for the guest of a folder; appends what the console said meanwhile to `out`. */
int guest_hang_trace_of(const char *dir, int timeout_ms, struct buf *out, struct error *err);

/* A machine in words: "pc, 1 cpu, 512 MB, tcg", with the processor and "secure boot" where asked
 * for. */
#define GUEST_DESCRIPTION_MAX 128
void guest_describe(const struct guest_options *options, char ret[static GUEST_DESCRIPTION_MAX]);

/* What went wrong while the guest started (a module that did not load); "" for nothing. */
const char *guest_problems(const struct guest *guest);

/* Runs a command; see channel_run(). When the guest ended meanwhile: ERR_BAD_STATE, with the
 * headline of its console. */
int guest_run(struct guest *guest, const struct channel_command *command,
	      struct channel_result *ret, struct error *err);
/* The same for a simple command: standard output and error go to `out` (may be NULL), and any
 * status but 0 is ERR_CHILD with the last line of output. */
int guest_run_simple(struct guest *guest, const char *const *argv, int timeout_ms, struct buf *out,
		     struct error *err);
/* Copies a host's file with its permission. */
int guest_put(struct guest *guest, const char *host_path, const char *guest_path,
	      struct error *err);
int guest_get(struct guest *guest, const char *guest_path, struct buf *out, struct error *err);

/* The console log so far. */
int guest_console(const struct guest *guest, struct buf *out, struct error *err);
/* How many bytes it has by now, and what came after so many. */
size_t guest_console_size(const struct guest *guest);
int guest_console_from(const struct guest *guest, size_t offset, struct buf *out,
		       struct error *err);
/* Waits until the console log holds `text`. ERR_TIMEOUT, or ERR_BAD_STATE when the guest ended
 * without it. */
int guest_wait_console(struct guest *guest, const char *text, int timeout_ms, struct error *err);
/* What console log and kernel log say by now (console_classify()). */
int guest_health(struct guest *guest, struct console_report *ret, struct error *err);
