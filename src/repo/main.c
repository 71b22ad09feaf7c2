/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo: signs modules and keeps the signed repository. */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "repo/commands.h"

#define PASSPHRASE_OPTION                                                    \
	{                                                                    \
		"passphrase-file", "FILE",                                   \
			"passphrase of offline keys (default: asked for on " \
			"the terminal)",                                     \
			false, 0                                             \
	}
#define KEYS_OPTIONS                                                                           \
	{ "keys", "DIR", "folder of the offline keys (default: the one named at init)", false, \
	  0 },                                                                                 \
		PASSPHRASE_OPTION,                                                             \
	{                                                                                      \
		"pin-file", "FILE", "PIN of the token that holds a key", false, 0              \
	}
#define CHANGE_OPTIONS                                                                            \
	KEYS_OPTIONS,                                                                             \
	{                                                                                         \
		"pending", NULL, "where signatures are missing, wait for them (see sign)", false, \
			0                                                                         \
	}

static const struct cli_option init_options[] = {
	{ "keys", "DIR", "folder for the offline keys, outside the repository", true, 0 },
	{ "tier", "NAME",
	  "a tier, in the order of promotion (default: edge, beta, candidate, stable)", false, 0 },
	{ "online-tier", "NAME", "keep this tier's key with the online keys", false, 0 },
	{ "threshold", "ROLE=N", "make N keys for a role and demand N signatures", false, 0 },
	{ "passphrase-file", "FILE", "protect the offline keys by this passphrase", false, 0 },
	{ 0 },
};
static const struct cli_option generate_options[] = {
	{ "output", "FILE", "file for the private key (PEM, mode 0600)", true, 'o' },
	{ "type", "TYPE", "ed25519 (default), ecdsa-p256 or rsa", false, 0 },
	{ "bits", "N", "size of an RSA key, 2048 to 4096 (default 3072)", false, 0 },
	{ "cert", "FILE", "also make a self-signed certificate for module signing (implies rsa)",
	  false, 0 },
	{ "name", "NAME", "common name in the certificate", false, 0 },
	{ "days", "N", "how long the certificate is valid (default 1825)", false, 0 },
	{ "public", "FILE", "also write the public key, for key import", false, 0 },
	{ "passphrase-file", "FILE", "protect the key by this passphrase", false, 0 },
	{ 0 },
};
static const struct cli_option list_options[] = { KEYS_OPTIONS, CLI_FORMAT_OPTION, { 0 } };
static const struct cli_option module_sign_options[] = {
	{ "key", "FILE", "private key (PEM: RSA, or ECDSA on P-256 or P-384)", true, 0 },
	{ "cert", "FILE", "its certificate (PEM)", true, 0 },
	{ "hash", "NAME", "sha256 (default), sha384 or sha512", false, 0 },
	{ "kernel-config", "FILE",
	  "configuration of the kernel that is to check the signature (default: the cached one of "
	  "the module's kernel, if any)",
	  false, 0 },
	{ "chain", "FILE",
	  "certificates up to an authority (PEM), to go into the signature: accepted by who trusts "
	  "that one",
	  false, 0 },
	{ "output", "FILE",
	  "where to write the signed module; replaces only a module (default: in place)", false,
	  'o' },
	{ 0 },
};
static const struct cli_option module_verify_options[] = {
	{ "ca", "FILE", "a trusted certificate (PEM): the signer's or an authority; repeatable",
	  true, 0 },
	{ 0 },
};
static const struct cli_option add_options[] = {
	{ "record", "FILE", "the module's build record", true, 0 },
	{ "lab", "FILE", "a test record of suture-lab about it", false, 0 },
	{ "source", "FILE|DIR", "its source patches (default: beside record and module)", false,
	  0 },
	{ "tier", "NAME", "tier that lists it (default: the first)", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option attest_options[] = {
	{ "lab", "FILE", "a test record of suture-lab about a module of this version", true, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option promote_options[] = {
	{ "to", "TIER", "tier that is to list the version", true, 0 },
	{ "from", "TIER", "tier that lists it now (default: the one before)", false, 0 },
	{ "kernel", "RELEASE", "only for this kernel release (default: all)", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option recall_options[] = {
	{ "reason", "TEXT", "why, for the people on the machines", false, 0 },
	{ "undo", NULL, "the versions are no longer withdrawn", false, 0 },
	{ "unlisted", NULL, "also a version that no tier lists", false, 0 },
	{ "kernel", "RELEASE", "only for this kernel release (default: all)", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option bundle_options[] = {
	{ "url", "URL", "the machines' listener, https://host[:port]", true, 0 },
	{ "server-ca", "FILE", "certificates that may sign the server's (PEM)", true, 0 },
	{ "module-cert", "FILE",
	  "certificate of a module signing key, or of an authority above it (PEM)", true, 0 },
	{ "default-tier", "NAME", "tier of a machine that names none (default: the last)", false,
	  0 },
	{ "output", "FILE", "the bundle (replaces only one)", true, 'o' },
	{ 0 },
};
static const struct cli_option publish_options[] = {
	{ "to", "URL|DIR", "a server's people's listener, or a folder served as /repository", true,
	  0 },
	{ "session", "FILE", "login at the server (default: that of suture-admin)", false, 0 },
	{ 0 },
};
static const struct cli_option export_options[] = {
	{ "to", "MEDIA", "folder on the medium", true, 0 },
	{ 0 },
};
static const struct cli_option carry_options[] = {
	{ "root", "FILE", "trusted root.json of this repository (any earlier one)", true, 0 },
	{ "to", "DIR", "folder that is served as /repository", true, 0 },
	{ "partial", NULL, "leave out modules that are damaged or missing on the medium", false,
	  0 },
	{ 0 },
};
static const struct cli_option verify_options[] = {
	{ "root", "FILE", "trusted root.json (default: the repository's first)", false, 0 },
	CLI_FORMAT_OPTION,
	{ 0 },
};
static const struct cli_option keys_options[] = { KEYS_OPTIONS, { 0 } };
static const struct cli_option rotate_options[] = { CHANGE_OPTIONS, { 0 } };
static const struct cli_option sign_options[] = {
	{ "detached", NULL, "show what waits for signatures; with -o sign it apart", false, 0 },
	{ "root", "FILE", "with --detached: a root.json of this repository that you trust", false,
	  0 },
	{ "output", "FILE", "where to write the detached signatures (replaces only such)", false,
	  'o' },
	{ "merge", "FILE", "add detached signatures, and publish when all are there", false, 0 },
	{ "discard", NULL, "drop what waits for signatures", false, 0 },
	{ "yes", NULL, "do not ask", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option import_options[] = {
	{ "uri", "URI", "the key is in a token: its PKCS#11 URI (P-256 or RSA)", false, 0 },
	{ "module", "FILE", "the token's library (default: p11-kit's)", false, 0 },
	{ "threshold", "N", "signatures that the role needs from now on", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};
static const struct cli_option revoke_options[] = {
	{ "threshold", "N", "signatures that the role needs from now on", false, 0 },
	CHANGE_OPTIONS,
	{ 0 },
};

#define INIT_TEXT                                                                                    \
	"Makes the keys of every role: those of snapshot, timestamp and the tiers of --online-tier " \
	"(and of evidence, if the first tier is one of them) under DIR/online-keys, all others in "  \
	"the folder of --keys, which is remembered. Signs the first version of every role with "     \
	"them. Nothing is left behind when it fails."
#define ADD_TEXT                                                                                   \
	"The record must be that of this module before it was signed, with the same name and "     \
	"vermagic. Where the folder of offline keys holds certificates (*.crt), one of them must " \
	"have signed the module. A version that is not above all listed ones of its kernel build " \
	"is refused, and so is a withdrawn one. The newest versions stay listed (config keep). "   \
	"Where the record came from (SLSA Provenance), test records and the source are kept "      \
	"beside it in the role evidence, signed; a tier may demand them (config require.TIER). "   \
	"Without the key of evidence that is left out, with a warning; a key that is there and "   \
	"does not open is an error. The same module and record once more add what was left out, "  \
	"and change nothing else."
#define RECALL_TEXT                                                                                    \
	"Machines that have the version go back to the newest lower one that their tier lists, or "    \
	"to the unpatched kernel, and nobody takes it. With --undo the list of withdrawn versions is " \
	"signed without it: what a tier still lists is offered again, and machines apply it as any "   \
	"other version, those that had gone back from it too, unless their owner took it back "        \
	"himself or it failed there. What no tier lists any more does not come back."
#define CONFIG_TEXT                                                                                                                      \
	"Without a KEY it shows them. keep=N: versions of a kernel that a tier lists. "                                                  \
	"lifetime.ROLE=90d (or 12h, or seconds; shown in seconds): what is signed from now on is valid so long; ROLE is root, targets, " \
	"tier (all of them), recall, evidence, snapshot or timestamp. require.TIER=lab,source: "                                         \
	"add and promote refuse a module without a passed test record for its kernel (lab), its "                                        \
	"provenance (build) or its source (the one that the provenance names); none takes that back."
#define REFRESH_TEXT                                                                                \
	"For a timer: needs only the online keys. The snapshot is signed when half of its life is " \
	"over. Offline roles that expire within two weeks are named on standard error."
#define PUBLISH_TEXT                                                                                          \
	"Verifies everything first, and copies what was verified and nothing else: targets, then "            \
	"delegated roles, targets, snapshot, root and timestamp, each file as one step, so that a "           \
	"reader never sees half. A tier, evidence or recall that expired, and attestations that no "          \
	"longer count, are warnings; so are targets of a tier or of evidence that are missing or "            \
	"wrong, which are left out (unlist). Where a newer state is, or one that was changed apart, nothing " \
	"is written. Older files that are there stay. To a server (https://host[:port]) it goes "             \
	"with the login of suture-admin; the server takes a root and a timestamp only if signed."

#define UNLIST_TEXT                                                                                 \
	"For a tier, or evidence, that lists a file which is not there, or is another, or a "       \
	"module whose record is not its own, or what is in no place of its own: who has stolen an " \
	"online key can do that. publish warns of these and leaves them out; verify fails. Rotate " \
	"the stolen keys, then unlist."
#define SIGN_TEXT                                                                                  \
	"Without a ROLE: targets, recall, evidence and every tier; root only when it is named. "   \
	"Snapshot and timestamp are signed with them, from DIR/online-keys.\n\n"                   \
	"Several people who keep their keys apart: a change made with --pending waits under "      \
	"DIR/pending. Each of them takes a copy of DIR (online-keys is not needed), looks at the " \
	"change with --detached, and signs it with --detached --keys DIR -o FILE. What is "        \
	"published, and so what changes, is told by the copy itself unless --root names a root "   \
	"that the signer trusts; keys are only those of --keys. --merge FILE collects the "        \
	"signatures; with the last one needed the change is signed into snapshot and timestamp. "  \
	"Until then, and with --discard, what is published stays as it is."
#define IMPORT_TEXT                                                                               \
	"FILE.pem is somebody's public key (key generate --public). With --uri the key is in a "  \
	"token; a file beside the offline keys says where, and the PIN comes from --pin-file or " \
	"the terminal."
#define EXPORT_TEXT                                                                                                                                    \
	"For networks that are apart. Verifies everything, copies it as publish does, reads the "                                                      \
	"copy again (the kernel may answer from memory), syncs the medium, and says until when it may be imported: its timestamp must still be valid " \
	"then (config lifetime.timestamp)."
#define IMPORT_MEDIA_TEXT                                                                            \
	"Verifies what lies on the medium as a machine would, from a root that was trusted "         \
	"before, and copies what was verified and nothing else to where a server or machines read "  \
	"it, as publish does. What lies there is verified once more. Nothing is changed when a "     \
	"file is damaged or missing; with --partial modules, and what belongs to them, are left "    \
	"out then with a warning, as export leaves out what the repository itself has not, so that " \
	"a recall still gets through."
#define ROTATE_TEXT                                                                                \
	"Makes as many new keys as the role has, beside the old ones, and signs what names them: " \
	"targets for a tier or recall, root for the others. A new root is signed by the old and "  \
	"the new keys. The files of the old keys stay and are no longer used. When it fails the "  \
	"new ones go; of a run that was ended, with the next command. In place of keys "           \
	"under a passphrase go only such keys: of --passphrase-file, or asked for on the "         \
	"terminal. For keys in a token there are key import --uri and key revoke."

#define SIGN_MODULE_TEXT                                                                              \
	"RSA with SHA-256 is what every kernel with module signatures can check. ECDSA, SHA-384 and " \
	"SHA-512 are taken only for a kernel whose configuration has them built in "                  \
	"(CONFIG_CRYPTO_ECDSA=y, CONFIG_CRYPTO_SHA512=y), and refused where that is not known: "      \
	"it would not load the module. With --chain the certificate must have the extended use "      \
	"codeSigning, and each one must name the key of the next in its authority key identifier, "   \
	"by which alone a kernel finds it."

static const struct cli_verb verbs[] = {
	{ "init", "DIR", 1, 1, "make a repository and its keys", INIT_TEXT, init_options,
	  cmd_init },
	{ "key generate", "", 0, 0, "make a signing key", NULL, generate_options,
	  cmd_key_generate },
	{ "key list", "DIR", 1, 1, "show the keys of every role and where they are", NULL,
	  list_options, cmd_key_list },
	{ "module sign", "FILE.ko", 1, 1, "append the kernel's kind of signature to a module",
	  SIGN_MODULE_TEXT, module_sign_options, cmd_module_sign },
	{ "module verify", "FILE.ko", 1, 1, "verify a module's signature", NULL,
	  module_verify_options, cmd_module_verify },
	{ "add", "DIR FILE.ko", 2, 2, "list a signed module in a tier", ADD_TEXT, add_options,
	  cmd_add },
	{ "attest", "DIR VERSION", 2, 2, "add test records to a version that is listed", NULL,
	  attest_options, cmd_attest },
	{ "config", "DIR [KEY=VALUE]…", 1, -1, "show or change settings", CONFIG_TEXT, NULL,
	  cmd_config },
	{ "promote", "DIR VERSION", 2, 2, "list a version in the next tier", NULL, promote_options,
	  cmd_promote },
	{ "unlist", "DIR ROLE", 2, 2, "take off a role's list what is missing or wrong",
	  UNLIST_TEXT, rotate_options, cmd_unlist },
	{ "recall", "DIR VERSION…", 2, -1, "withdraw versions, or undo that", RECALL_TEXT,
	  recall_options, cmd_recall },
	{ "refresh", "DIR", 1, 1, "sign timestamp and, when due, snapshot anew", REFRESH_TEXT,
	  keys_options, cmd_refresh },
	{ "sign", "DIR [ROLE]", 1, 2, "sign a role anew (default: all but root)", SIGN_TEXT,
	  sign_options, cmd_sign },
	{ "rotate", "DIR ROLE", 2, 2, "replace a role's keys by new ones", ROTATE_TEXT,
	  rotate_options, cmd_rotate },
	{ "key import", "DIR ROLE [FILE.pem]", 2, 3, "give a role another key", IMPORT_TEXT,
	  import_options, cmd_key_import },
	{ "key revoke", "DIR ROLE KEYID…", 3, -1, "take keys from a role", NULL, revoke_options,
	  cmd_key_revoke },
	{ "verify", "DIR", 1, 1, "read everything as a machine would", NULL, verify_options,
	  cmd_verify },
	{ "trust-bundle", "DIR", 1, 1, "write what a machine's trust starts from; prints its hash",
	  NULL, bundle_options, cmd_trust_bundle },
	{ "publish", "DIR", 1, 1, "copy the repository to where it is served", PUBLISH_TEXT,
	  publish_options, cmd_publish },
	{ "export", "DIR", 1, 1, "copy the repository to a medium", EXPORT_TEXT, export_options,
	  cmd_export },
	{ "import", "MEDIA", 1, 1, "take a repository from a medium", IMPORT_MEDIA_TEXT,
	  carry_options, cmd_import },
	{ 0 },
};

static const struct cli_program program = {
	.name = "suture-repo",
	.section = 1,
	.summary = "sign livepatch modules and keep the repository that machines trust",
	.description =
		"The repository follows The Update Framework 1.0.34. Root, targets, recall and tiers "
		"are signed with offline keys, snapshot and timestamp with keys kept beside the "
		"repository. A tier is a delegated role; to promote a version is to sign the tier "
		"that lists it.",
	.verbs = verbs,
	.files =
		"DIR/suture-repo.json\n\tsettings: tiers, lifetimes, where the offline keys are\n\n"
		"DIR/online-keys/\n\tprivate keys of snapshot, timestamp and online tiers\n\n"
		"DIR/pending/\n\ta change that waits for signatures\n\n"
		"DIR/repository/\n\tmetadata and targets: what is published\n",
	.examples = "suture-repo init /srv/suture --keys /media/keys\n\n"
		    "suture-repo key generate --cert module.crt -o module.pem\n\n"
		    "suture-repo module sign --key module.pem --cert module.crt fix.ko\n\n"
		    "suture-repo add /srv/suture fix.ko --record fix.json\n",
};

/* Keys and passphrases are for no core file and no debugger; where this fails, only less is kept.
 */
static void keep_memory(void)
{
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
	keep_memory();
	return cli_main(&program, argc, argv, NULL);
}
