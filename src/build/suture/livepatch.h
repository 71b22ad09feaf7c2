/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source patch can say to suture-build. The builder offers this header to every patched
 * file, and to the files of `suture-build module`: #include <suture/livepatch.h>.
 *
 *	SUTURE_CALLBACKS(.pre_patch = f, .post_unpatch = g);
 *		struct klp_callbacks of the kernel for the object that the file belongs to. May be
 *		used several times, in several files. For one object they run in the order in which
 *		they are written and the files appear in the patches; pre_unpatch and post_unpatch
 *		in the reverse one. A pre_patch that fails undoes those before it (their
 *		post_unpatch runs) and ends the load of the patch with its error.
 *
 *	SUTURE_STATE(id, version);
 *		struct klp_state of the patch: a change of the system's state that a later patch
 *		must know. klp_get_state(&suture_patch, id) finds it; klp_get_prev_state(id) that of
 *		the patch being replaced. The same state may be declared twice, with one version.
 *
 *	extern int some_function(int) SUTURE_SYMBOL(vmlinux, some_function, 2);
 *		says which symbol of which object is meant, where the name alone does not: sympos
 *		as the kernel counts, 0 for a name that is there once.
 */
#ifndef SUTURE_LIVEPATCH_H
#define SUTURE_LIVEPATCH_H

#include <linux/livepatch.h>

#ifdef SUTURE_EXTERNAL
#define SUTURE_UNIT KBUILD_MODNAME "." KBUILD_BASENAME
#endif
#if !defined(SUTURE_UNIT) && !defined(SUTURE_MODULE)
#error "this header is for files that suture-build compiles"
#endif

#define SUTURE_SYMBOL(object, name, sympos) __asm__("suture_sym." #sympos "." #object "." #name)

#ifdef SUTURE_UNIT /* suture-build patch; a module by hand has its own struct klp_patch */

/* The livepatch that this file becomes a part of. */
extern struct klp_patch suture_patch;

/* Global constants by which the builder finds the declarations. */
#define __SUTURE_DECLARE(n, kind, type, ...)                                                     \
	extern const type __suture_##kind##_##n __asm__("suture_" #kind "." SUTURE_UNIT "." #n); \
	const type __suture_##kind##_##n = { __VA_ARGS__ }
#define __SUTURE_DECLARE_N(n, kind, type, ...) __SUTURE_DECLARE(n, kind, type, __VA_ARGS__)

#define SUTURE_CALLBACKS(...) \
	__SUTURE_DECLARE_N(__COUNTER__, callbacks, struct klp_callbacks, __VA_ARGS__)

struct suture_state {
	unsigned long id;
	unsigned int version;
};

#define SUTURE_STATE(id, version) \
	__SUTURE_DECLARE_N(__COUNTER__, state, struct suture_state, id, version)

#endif /* SUTURE_UNIT */
#endif
