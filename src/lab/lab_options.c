// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/commands.h"
#include "lab/guest/qemu.h"

/* All values of an option, and of another that means the same (NULL: none). */
static const char **collect(const struct cli *cli, const char *option, const char *alias)
{
	size_t n = cli_count(cli, option), more = alias ? cli_count(cli, alias) : 0;
	const char **list = calloc(n + more + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = cli_get_nth(cli, option, i);
	for (size_t i = 0; list && i < more; i++)
		list[n + i] = cli_get_nth(cli, alias, i);
	return list;
}

/* `auto` is decided here, so that a record says what it was. */
static int get_accel(const struct cli *cli, enum guest_accel *ret, struct error *err)
{
	static const char *const names[] = { "tcg", "tcg-multi", "kvm", "auto" };
	const char *text = cli_get(cli, "accel");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(text ? text : "tcg", names[i])) {
			*ret = (enum guest_accel)i;
			if (*ret == GUEST_AUTO)
				*ret = qemu_kvm_works() ? GUEST_KVM : GUEST_TCG;
			return 0;
		}
	return error_set(err, ERR_USAGE, "--accel %s is not one of tcg, tcg-multi, kvm, auto",
			 text);
}

static int check_machine(const struct cli *cli, struct error *err)
{
	const char *machine = cli_get(cli, "machine");

	if (machine && !streq(machine, "pc") && !streq(machine, "q35"))
		return error_set(err, ERR_USAGE, "--machine %s: pc or q35", machine);
	if (machine && streq(machine, "pc") && cli_has(cli, "secure-boot"))
		return error_set(err, ERR_USAGE, "--secure-boot: needs the machine q35");
	return 0;
}

static void say(const char *what)
{
	cli_progress("%s", what);
}

static int get_kernel(const struct cli *cli, size_t nth, struct lab_options *o, struct error *err)
{
	const char *image = cli_get(cli, "image"), *release = cli_get_nth(cli, "kernel", nth);

	if (image && release)
		return error_set(err, ERR_USAGE, "--kernel and --image: one of them only");
	if (!image && !release)
		return error_set(err, ERR_USAGE, "--kernel or --image: one of them is needed");
	if (cli_has(cli, "modules") && !image)
		return error_set(err, ERR_USAGE, "--modules: goes with --image");
	o->guest.image = image;
	o->guest.modules = cli_get(cli, "modules");
	if (image)
		return 0;
	int r = kernel_fetch(release, NULL, say, &o->kernel, err);

	if (r < 0)
		return r;
	o->guest.image = o->kernel->vmlinuz;
	o->guest.modules = o->kernel->modules;
	return 0;
}

int lab_options_get(const struct cli *cli, size_t nth, const char *also_load,
		    struct lab_options *ret, struct error *err)
{
	_cleanup_lab_options_ struct lab_options o = { 0 };
	int64_t cpus = 1, memory = 512, boot = 120;
	int r = cli_get_int(cli, "cpus", 1, 8, cpus, &cpus, err);

	if (r == 0)
		r = cli_get_int(cli, "memory", 128, 65536, memory, &memory, err);
	if (r == 0)
		r = cli_get_int(cli, "boot-timeout", 1, 3600, boot, &boot, err);
	if (r == 0)
		r = check_machine(cli, err);
	if (r == 0)
		r = get_accel(cli, &o.guest.accel, err);
	if (r == 0)
		r = get_kernel(cli, nth, &o, err);
	if (r < 0)
		return r;
	o.load = collect(cli, "load", also_load);
	o.programs = collect(cli, "program", NULL);
	o.files = collect(cli, "file", NULL);
	if (!o.load || !o.programs || !o.files)
		return error_set(err, ERR_NO_MEMORY, "options");
	o.guest.cpus = (unsigned)cpus;
	o.guest.memory_mb = (unsigned)memory;
	o.guest.boot_timeout_ms = (int)boot * 1000;
	o.guest.net = cli_has(cli, "net");
	o.guest.append = cli_get(cli, "append");
	o.guest.cpu = cli_get(cli, "cpu");
	o.guest.machine = cli_get(cli, "machine");
	o.guest.secure_boot = cli_has(cli, "secure-boot");
	o.guest.load = o.load;
	o.guest.programs = o.programs;
	o.guest.files = o.files;
	*ret = o;
	o = (struct lab_options){ 0 };
	return 0;
}

void lab_options_free(struct lab_options *options)
{
	kernel_free(options->kernel);
	free(options->load);
	free(options->programs);
	free(options->files);
	*options = (struct lab_options){ 0 };
}
