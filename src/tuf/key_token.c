/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys that stay in a token. OpenSSL 3 has deprecated its engines, but the PKCS#11 one is what
 * Debian 12 offers: a provider for it comes only later.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>

#include "tuf/key_internal.h"

DEFINE_CLEANUP(ENGINE *, ENGINE_free);

/* The engine would ask on the terminal for a PIN that it was not given. */
static int ask_nobody(UI *ui, UI_STRING *string)
{
	(void)ui, (void)string;
	return 0;
}

static int set_up(ENGINE *engine, const char *module, const char *pin, struct error *err)
{
	/* What fails is said by our own errors. */
	(void)ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0);
	if (module && ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) != 1)
		return error_set(err, ERR_UNSUPPORTED, "%s: the engine pkcs11 does not take it",
				 module);
	if (ENGINE_init(engine) != 1)
		return error_set(err, ERR_UNSUPPORTED, "the engine pkcs11 could not start%s%s",
				 module ? " with " : "", module ? module : "");
	if (pin && ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) != 1) {
		ENGINE_finish(engine);
		return error_set(err, ERR_DENIED, "the engine pkcs11 does not take the PIN");
	}
	return 0;
}

/* PKCS#11's CKR_PIN_INCORRECT to CKR_PIN_LOCKED, which the engine passes on as reasons. */
static bool is_about_pin(unsigned long code)
{
	int reason = ERR_GET_REASON(code);

	return !ERR_SYSTEM_ERROR(code) && reason >= 0xa0 && reason <= 0xa4;
}

static int why_not(struct error *err)
{
	unsigned long code;
	bool pin = false;

	while ((code = ERR_get_error()))
		pin |= is_about_pin(code);
	return pin ? error_set(err, ERR_DENIED, "the PIN is wrong, or locked")
		   : error_set(err, ERR_NOT_FOUND,
			       "the token has no such key, or the PIN is wrong");
}

static int load(ENGINE *engine, const char *uri, struct tuf_key **ret, struct error *err)
{
	UI_METHOD *silent = UI_create_method("no questions");
	EVP_PKEY *pkey;
	int r;

	if (!silent || UI_method_set_reader(silent, ask_nobody) != 0) {
		UI_destroy_method(silent);
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	pkey = ENGINE_load_private_key(engine, uri, silent, NULL);
	UI_destroy_method(silent);
	if (!pkey)
		return why_not(err);
	r = tuf_key_adopt(pkey, true, ret, err);
	if (r == 0 && (*ret)->type == TUF_KEY_ED25519) {
		tuf_key_free(TAKE_PTR(*ret));
		r = error_set(err, ERR_UNSUPPORTED, "key: in a token only P-256 and RSA");
	}
	return r;
}

int tuf_key_from_pkcs11(const char *uri, const char *module, const char *pin, struct tuf_key **ret,
			struct error *err)
{
	_cleanup_(ENGINE_freep) ENGINE *engine = NULL;
	int r;

	if (!str_has_prefix(uri, "pkcs11:"))
		return error_set(err, ERR_INVALID, "%s: not a pkcs11: URI", uri);
	ENGINE_load_dynamic();
	engine = ENGINE_by_id("pkcs11");
	if (!engine) {
		ERR_clear_error();
		error_set(err, ERR_UNSUPPORTED, "OpenSSL has no engine pkcs11");
		error_hint(err, "Debian's package is libengine-pkcs11-openssl");
		return ERR_UNSUPPORTED;
	}
	r = set_up(engine, module, pin, err);
	if (r == 0) {
		r = load(engine, uri, ret, err);
		/* The key holds the engine as long as it lives. */
		ENGINE_finish(engine);
	}
	ERR_clear_error();
	return r < 0 ? error_prefix(err, r, "%s", uri) : 0;
}
