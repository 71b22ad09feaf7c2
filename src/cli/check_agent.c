/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "cli/check.h"

#define CERTIFICATE_WARN (7 * 86400) /* seconds before its end */

static const char *text_of(const json_t *o, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : fallback;
}

/* One certificate that patches may be signed with, and what the kernel makes of it. Another one may
 * be accepted, or its authority: then this is no fault. */
static void check_key(const json_t *cert, bool demanded, bool any, struct check_report *report)
{
	const json_t *accepted = json_object_get(cert, "accepted");
	enum check_result bad = !demanded ? CHECK_PASS : any ? CHECK_WARNING : CHECK_FAIL;
	const char *subject = text_of(cert, "subject", "?");
	const char *key_id = text_of(cert, "key_id", "?");

	if (json_is_true(accepted))
		check_add(report, "module key", CHECK_PASS, "",
			  "%s: the kernel has it in %s as \"%s\"", subject,
			  text_of(cert, "keyring", "?"), text_of(cert, "description", "?"));
	else if (json_is_false(accepted))
		check_add(
			report, "module key", bad,
			"enrol the module certificate (`mokutil --import FILE.der`, or the firmware's "
			"db), and reboot",
			"%s, key %s: %s", subject, key_id, text_of(cert, "reason", "not accepted"));
	else
		check_add(
			report, "module key", demanded ? CHECK_WARNING : CHECK_PASS,
			"see with `keyctl show %:.platform` and its like whether the key is there",
			"%s, key %s: %s", subject, key_id,
			text_of(cert, "reason", "not known whether the kernel accepts it"));
}

static void check_keys(const json_t *status, struct check_report *report)
{
	const json_t *signatures = json_object_get(status, "module_signatures");
	const json_t *certs = json_object_get(signatures, "certificates");
	bool demanded = json_is_true(json_object_get(signatures, "demanded")), any = false;

	for (size_t i = 0; i < json_array_size(certs); i++)
		any |= !json_is_false(json_object_get(json_array_get(certs, i), "accepted"));
	for (size_t i = 0; i < json_array_size(certs); i++)
		check_key(json_array_get(certs, i), demanded, any, report);
}

static bool read_end(const json_t *cert, int64_t *ret)
{
	const char *text = text_of(cert, "not_after", NULL);

	return text && clock_parse(text, ret) == 0;
}

/* A patch counts if the certificate of its signature was valid when it was published. */
static void check_module_certificates(const struct check_input *in, struct check_report *report)
{
	const json_t *signatures = json_object_get(in->status, "module_signatures");
	const json_t *certs = json_object_get(signatures, "certificates");
	bool any = false;
	int64_t end;

	for (size_t i = 0; i < json_array_size(certs); i++)
		any |= read_end(json_array_get(certs, i), &end) && end > in->now;
	for (size_t i = 0; i < json_array_size(certs); i++) {
		const json_t *cert = json_array_get(certs, i);

		if (!read_end(cert, &end))
			continue;
		check_add(report, "module certificate",
			  end > in->now ? CHECK_PASS
			  : any         ? CHECK_WARNING
					: CHECK_FAIL,
			  "enrol again with a trust bundle that has a newer one: what is published "
			  "after that date is refused, what was before stays good",
			  "%s %s %s", text_of(cert, "subject", "?"),
			  end > in->now ? "is valid until" : "expired on",
			  text_of(cert, "not_after", "?"));
	}
}

/* What updates need: metadata whose dates have not passed. */
static void check_metadata(const json_t *metadata, struct check_report *report)
{
	const char *expires = text_of(metadata, "expires", NULL);
	bool expired = json_is_true(json_object_get(metadata, "expired"));

	if (!expires)
		return;
	check_add(
		report, "metadata", expired ? CHECK_FAIL : CHECK_PASS,
		"see whether clock and server are right; whoever keeps the repository must sign it "
		"anew",
		"role %s %s %s", text_of(metadata, "role", "?"),
		expired ? "expired on" : "is valid until", expires);
}

/* Without it the server does not talk to this machine; patches that were accepted stay. */
static void check_certificate(const struct check_input *in, struct check_report *report)
{
	int64_t left = in->certificate_end - in->now;
	char end[CLOCK_TEXT_MAX];

	if (!in->certificate_end)
		return;
	clock_format(in->certificate_end, end);
	check_add(report, "client certificate",
		  left <= 0                 ? CHECK_FAIL
		  : left < CERTIFICATE_WARN ? CHECK_WARNING
					    : CHECK_PASS,
		  "enrol again: `suture disable`, then `suture enable`; the patch stays", "%s %s",
		  left <= 0 ? "expired on" : "is valid until", end);
}

/* What came of comparing the code in memory with the code that the patch was made for. */
static void check_comparison(const json_t *status, struct check_report *report)
{
	const char *verdict = text_of(status, "code_check", "none");

	if (streq(verdict, "different"))
		check_add(
			report, "code comparison", CHECK_FAIL,
			"find out who changes the kernel's code; a reboot brings the shipped code",
			"a function that the patch replaces is not the shipped one");
	else if (streq(verdict, "unreadable"))
		check_add(report, "code comparison", CHECK_WARNING,
			  "see running code; the build IDs were compared all the same",
			  "the code that the patch replaces could not be read");
	else if (streq(verdict, "equal"))
		check_add(report, "code comparison", CHECK_PASS, "",
			  "the code that the patch replaces is the shipped one");
}

void check_agent(const struct check_input *input, struct check_report *report)
{
	const json_t *status = input->status;
	const json_t *check = json_object_get(status, "last_check");
	bool enabled = json_is_true(json_object_get(status, "enabled"));

	check_add(report, "sutured", status && input->runs ? CHECK_PASS : CHECK_FAIL,
		  "start it: `systemctl start sutured`", "%s",
		  !status       ? "not running: there is no status"
		  : input->runs ? text_of(status, "agent", "running")
				: "not running: what follows is its last word");
	if (!status)
		return;
	check_add(report, "enrolment", enabled ? CHECK_PASS : CHECK_FAIL,
		  "run `suture enable --trust FILE`", "%s",
		  enabled ? text_of(status, "server", "enabled") : "not enabled");
	check_keys(status, report);
	check_module_certificates(input, report);
	if (json_is_object(check))
		check_add(report, "server",
			  json_is_true(json_object_get(check, "ok")) ? CHECK_PASS : CHECK_FAIL,
			  text_of(check, "hint", "see `suture status`"), "%s",
			  json_is_true(json_object_get(check, "ok"))
				  ? "the last check-in succeeded"
				  : text_of(check, "message", "?"));
	else
		check_add(report, "server", CHECK_WARNING, "run `suture refresh`", "not asked yet");
	check_metadata(json_object_get(status, "metadata"), report);
	check_certificate(input, report);
	check_comparison(status, report);
}
