#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine's programs on a stock kernel: enrolled, patched while it runs, patched again, taken
# back, rebooted, and lied to. Repository and server are the real ones, on the host.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
prepare_kernel

# --- the maker's side

make_patches() {
	(cd "$WORK" &&
		suture-build patch --kernel "$RELEASE" --version 1.1 -o 1.1.ko --record 1.1.json "$FIXES"/0001* &&
		suture-build patch --kernel "$RELEASE" --version 1.2 -o 1.2.ko --record 1.2.json "$FIXES"/000[12]* &&
		suture-build patch --kernel "$RELEASE" --version 1.3 -o 1.3.ko --record 1.3.json "$FIXES"/0001* callbacks.patch)
}
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
make_patch callbacks fs/proc/uptime.c -e 's,#include "internal.h",&\n#include <suture/livepatch.h>\n\nstatic void undo(struct klp_object *object)\n{\n\tpr_info("undone\\n");\n}\n\nSUTURE_CALLBACKS(.post_unpatch = undo);,'
make_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER
}
# release VERSION: signed, listed and served.
release() {
	suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/$1.ko" && serve "$1"
}

# --- the machine's side

only_livepatch_is() {
	[ "$(in_guest ls /sys/kernel/livepatch)" = "$1" ] &&
		[ "$(in_guest sh -c 'lsmod | grep -o "^suture[^ ]*"')" = "$1" ]
}
# A shutdown: sutured is told to end, and what was on the disk then is all that the next boot has.
reboot_machine() { # NAME [OPTION…]
	in_guest sh -c 'kill $(pidof sutured) && while pidof sutured; do usleep 50000; done' >/dev/null 2>&1
	in_guest tar -C / -czf - var/lib/suture var/cache/suture >"$WORK/disk.tar.gz"
	suture-lab stop "$GUEST"
	start_machine "$@" && suture-lab put "$GUEST" "$WORK/disk.tar.gz" /disk.tar.gz &&
		in_guest tar -C / -xzf /disk.tar.gz
}
# What a boot finds, without the boot: no livepatch, and no sutured.
out_by_hand() { # MODULE
	in_guest timeout 60 sh -c "kill \$(pidof sutured); while pidof sutured; do usleep 50000; done >/dev/null
		echo 0 >/sys/kernel/livepatch/$1/enabled; until rmmod $1 2>/dev/null; do usleep 50000; done"
}
check "three patches are built" make_patches
check "keys and a repository" make_keys
check "1.1 is released" release 1.1
check "the server starts" start_server
check "a token and a bundle" make_token "$WORK/module.crt"
check "a machine boots" start_machine one --load mana
check "its programs start" start_programs
check "it is not patched" kernel_is_silent
check "the fetcher has no privileges" guest_until 'grep -q "^Uid:.990.990.990.990" "/proc/$(pidof suture-fetch)/status"'
check "it enrols" in_guest suture enable --trust /bundle.json --token-file /token
check "it checks, and is patched while it runs" in_guest suture refresh
check "the kernel is changed" kernel_says
check "status: 1.1 applied, the code was equal" status_is \
	'.state == "applied" and .version == "1.1" and .code_check == "equal" and .exit_status == 0
	and .functions[0].name == "version_proc_show"'
check "the server knows" server_knows '.machines[0] | .state == "applied" and .version == "1.1"'
check "the doctor finds nothing in the way" in_guest suture check
check "nor a fault in what Suture itself loaded" fails in_guest sh -c 'suture check | grep warning'

check "1.2 is released" release 1.2
check "it takes the place of 1.1" in_guest suture refresh
check "status: 1.2, in vmlinux and in a module" status_is \
	'.version == "1.2" and (.functions | length) == 2 and .functions[0].object == "mana"'
check "the kernel is still changed" kernel_says
check "1.1's module is gone" only_livepatch_is "$(name_of 1.2)"
check "again: nothing to do" in_guest suture refresh

check "back to 1.1" in_guest suture rollback 1.1
check "status: 1.1; the newer one waits: exit status 4" status_is '.version == "1.1" and .avoid == "1.2" and .exit_status == 4'
check "without a gap" fails in_guest sh -c 'dmesg | grep "unpatching transition"'
check "only 1.1 is in the kernel" only_livepatch_is "$(name_of 1.1)"
check "it does not come back by itself" in_guest suture refresh
check "status: still 1.1" status_is '.version == "1.1"'
check "then to none" in_guest suture rollback
check "what was taken back first is not forgotten" in_guest suture refresh
check "status: none, 1.2 waits" status_is '.version == null and .avoid == "1.2" and .exit_status == 4'
check "until unhold" in_guest suture unhold
check "then it does" in_guest suture refresh
check "status: 1.2 again" status_is '.version == "1.2" and .exit_status == 0'

# sutured is killed: the patch stays, and the next one knows it.
check "sutured is killed" in_guest sh -c 'kill -9 $(pidof sutured)'
check "the patch stays" kernel_says
check "sutured starts again" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "it knows what is applied" guest_until 'suture status --summary | grep -q "protected (1.2)"'

# It is killed in the middle of a step: after the kernel took the module, before it could be written down;
# before the kernel had it; in the middle of taking it out.
amid() { # ACTION JQ-FILTER [COMMAND IN THE GUEST]
	in_guest sh -c 'kill -9 $(pidof sutured)' && in_guest sh -c "${3:-true}" && in_guest cat /var/lib/suture/journal.json >"$WORK/journal.json" &&
		jq --arg boot "$(in_guest cat /proc/sys/kernel/random/boot_id)" --arg action "$1" '.step = (.accepted | {action: $action,
			version, kernel, "module": .module, sha256, length, published, boot_id: $boot, time: "2026-01-01T00:00:00Z"})
			| .state = "applying" | .accepted = null | '"$2" "$WORK/journal.json" >"$WORK/broken.json" &&
		suture-lab put "$GUEST" "$WORK/broken.json" /var/lib/suture/journal.json &&
		suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
}
happened() { guest_until "suture history | tail -n 4 | grep -q '$1'"; }
check "killed right after the load" amid load .
check "it ends the step: the journal has the patch" guest_until 'grep -q "\"accepted\": {" /var/lib/suture/journal.json'
check "status: applied" guest_until 'suture status --summary | grep -q "protected (1.2)"'
loaded_by_hand() { # the kernel goes back to 1.1, and 1.2's module stays in it
	suture-lab put "$GUEST" "$WORK/1.1.ko" /1.1.ko && amid load ".accepted = (.step | {version, kernel,
		build_id: \"$(jq -r .build_id "$WORK/1.2.json")\", \"module\": .module, sha256, length, published})
		| .step.version = \"1.1\" | .step.module = \"$(name_of 1.1)\"" \
		"kill \$(pidof suture-fetch); insmod /1.1.ko"
}
check "killed right after a load that replaced a patch" loaded_by_hand
check "it ends the step" guest_until 'suture status --summary | grep -q "1\.1"'
check "what was replaced is removed" only_livepatch_is "$(name_of 1.1)"
check "the fetcher starts" suture-lab exec --background "$GUEST" -- sh -c 'exec suture-fetch >>/fetch.log 2>&1'
check "it checks" in_guest suture refresh
check "status: 1.2 again" status_is '.version == "1.2" and .exit_status == 0'
check "killed before a load" amid load '.accepted = (.step | {version, kernel, build_id: "'"$(jq -r .build_id "$WORK/1.2.json")"'",
	"module": .module, sha256, length, published}) | .step.module = "suture_never" | .step.version = "1.9"'
check "it says so" happened "ended before suture_never was loaded"
check "and knows what was there before" guest_until 'suture status --summary | grep -q "protected (1.2)"'
check "killed amid taking it out" amid unload .
check "it is taken out" happened reverted
check "and comes again, since nobody said it should not" guest_until 'suture status --summary | grep -q "protected (1.2)"'
check "only 1.2 is in the kernel" only_livepatch_is "$(name_of 1.2)"

# A reboot without a network and with the clock at 1970.
check "the machine reboots, without fetcher and clock" reboot_machine two --load mana
check "its clock is wrong" in_guest date -s @1000
check "sutured alone starts" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "the accepted patch is applied from the disk" guest_until 'grep -q "patched by Suture" /proc/version'
check "status: 1.2 applied" guest_until 'suture status --format json | grep -q "\"state\": \"applied\""'
# The same without another boot, and with every date long past: metadata, certificates, everything.
check "sutured ends, and the patch is taken out by hand" out_by_hand "$(name_of 1.2)"
check "the kernel is as shipped" kernel_is_silent
check "the clock is years ahead" in_guest date -s "@$(($(date +%s) + 20 * 365 * 86400))"
check "sutured alone starts" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "the accepted patch is applied from the disk" guest_until 'grep -q "patched by Suture" /proc/version'
check "status: 1.2 applied, on metadata that has expired" guest_until \
	"suture status --format json | tr -d '\\n' | grep -q '\"state\": \"applied\".*\"expired\": true'"
check "the clock is set" in_guest date -s "@$(date +%s)"
check "the fetcher starts" suture-lab exec --background "$GUEST" -- sh -c 'exec suture-fetch >>/fetch.log 2>&1'

check "rollback: to the unpatched kernel" in_guest suture rollback
check "the kernel is as shipped" kernel_is_silent
check "no livepatch is left" fails in_guest sh -c 'lsmod | grep suture_'
check "status: reverted" status_is '.state == "reverted" and .version == null and .exit_status == 4'
check "the server knows" server_knows '.machines[0].state == "reverted"'
check "a reboot does not bring it back" reboot_machine three --load mana
check "its programs start" start_programs
check "it checks" in_guest suture refresh
check "the kernel is as shipped still" kernel_is_silent
check "unhold" in_guest suture unhold

# A step that the machine did not survive: once it is tried again later, twice it is quarantined.
break_journal() { # JQ FILTER
	in_guest suture refresh && in_guest sh -c 'kill $(pidof sutured)' &&
		in_guest cat /var/lib/suture/journal.json >"$WORK/journal.json" &&
		jq '.step = (.accepted | {action: "load", version, kernel, "module": .module, sha256, length, published,
			boot_id: "00000000-0000-4000-8000-000000000000", time: "2026-01-01T00:00:00Z"})
			| .state = "applying" | '"$1" "$WORK/journal.json" >"$WORK/broken.json" &&
		suture-lab put "$GUEST" "$WORK/broken.json" /var/lib/suture/journal.json
}
check "a machine that went down amid a load" break_journal .
check "reboots" reboot_machine four --load mana
check "its programs start" start_programs
check "it failed: exit status 6" guest_until 'suture status --format json | grep -q "went down"'
check "it is not tried again at once" in_guest suture refresh
check "the kernel is as shipped" kernel_is_silent
check "status still says why" status_is '.state == "failed" and .available == "1.2" and .exit_status == 6'
check "the delay ends" in_guest sh -c 'mkdir -p /etc/suture
	echo "retry-delay = 0" >/etc/suture/suture.conf; kill $(pidof sutured)'
check "sutured starts again" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "it is tried once more" guest_until 'grep -q "patched by Suture" /proc/version'
check "and all is well" guest_until 'suture status --summary | grep -q "protected (1.2)"'
check "a machine that goes down a second time" break_journal \
	'.interrupted = (.accepted | {version, kernel, time: "2026-01-01T00:00:00Z"})'
check "reboots" reboot_machine five --load mana
check "its programs start" start_programs
check "the version is in quarantine: exit status 6" guest_until 'suture status --format json | grep -q quarantined'
check "it is not tried again" in_guest suture refresh
check "the kernel is as shipped" kernel_is_silent
check "status says why" status_is '.state == "quarantined" and .error.code == "quarantined" and .exit_status == 6'

# Lies: a changed module, and a livepatch of somebody else.
check "a fresh machine" start_machine six
check "its programs start" start_programs
target=$(echo "$WORK"/server/repository/targets/$TIER/*/*/*"$(name_of 1.2)".ko)
cp "$target" "$WORK/good"
printf X | dd of="$target" bs=1 seek=1000 conv=notrunc status=none
check "it enrols" in_guest suture enable --trust /bundle.json --token-file /token
check "a changed module is refused" refuses 'sha256' in_guest suture refresh
check "the kernel is as shipped" kernel_is_silent
build_module "$(dirname "$(realpath "$0")")/modules/lab_patch.c" || give_up "the test's livepatch does not build"
suture-lab put "$GUEST" "$WORK/lab_patch.ko" /lab_patch.ko
check "somebody else's livepatch is loaded" in_guest insmod /lab_patch.ko
# Not before: sutured tries again by itself.
cp "$WORK/good" "$target"
check "it is not replaced" refuses 'lab_patch' in_guest suture refresh
check "unless the owner says so" in_guest sh -c 'mkdir -p /etc/suture
	echo "foreign-livepatch = replace" >/etc/suture/suture.conf; kill $(pidof sutured)'
check "sutured starts again" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "then it is" guest_until 'grep -q "patched by Suture" /proc/version'
check "disable --unpatch leaves nothing" in_guest suture disable --unpatch --yes
check "no livepatch is left" fails in_guest sh -c 'lsmod | grep suture_'
check "the identity is gone" fails in_guest sh -c 'ls -R /var/cache/suture | grep identity'

# Signed orders to take back, and one that is not.
recall() {
	suture-repo recall "$WORK/repo" "$1" --reason "it makes machines unhappy" &&
		suture-repo publish "$WORK/repo" --to "$WORK/server/repository"
}
forge_recall() {
	RECALL=$(echo "$WORK"/server/repository/targets/recall/*.recall.json)
	cp "$RECALL" "$WORK/recall.json" && jq '.withdrawn = [{version: "1.2", kernels: [], reason: "a lie",
		time: "2026-01-01T00:00:00Z"}]' "$WORK/recall.json" >"$RECALL"
}
# Before it has the signed list: one that is right is not fetched again.
check "a recall that nobody signed" forge_recall
check "it enrols anew" in_guest suture enable --trust /bundle.json --token-file /token
check "that is refused" refuses 'recall' in_guest suture refresh
check "nothing is loaded meanwhile" kernel_is_silent
cp "$WORK/recall.json" "$RECALL"
check "with the signed list it is patched" in_guest suture refresh
check "so it says" guest_until 'suture status --summary | grep -q "protected (1.2)"'
check "1.2 is recalled" recall 1.2
check "it goes" in_guest suture refresh
check "to 1.1" status_is '.version == "1.1" and .available == "1.1" and .avoid == null and .exit_status == 0'
check "only 1.1 is in the kernel" only_livepatch_is "$(name_of 1.1)"
check "history says so" says recalled in_guest suture history
check "1.2 does not come back" in_guest suture refresh
check "status: still 1.1" status_is '.version == "1.1"'
check "1.3, with callbacks, is released" release 1.3
check "it takes the place of 1.2" in_guest suture refresh
check "back to 1.1" in_guest suture rollback 1.1
check "over the unpatched kernel, so that its callbacks run" says "undone" in_guest dmesg
check "which is said" says "unpatched until the older version" in_guest cat /sutured.log
check "1.1 is in the kernel" only_livepatch_is "$(name_of 1.1)"
check "1.3 is recalled" recall 1.3
check "which changes nothing" in_guest suture refresh
check "1.1 is recalled" recall 1.1
check "it goes" in_guest suture refresh
check "the kernel is as shipped" kernel_is_silent
check "no livepatch is left" fails in_guest sh -c 'lsmod | grep suture_'
check "nothing comes back" in_guest suture refresh
check "status: no patch" status_is '.version == null and .available == null and .error == null'
check "no warning in the kernel log" fails in_guest sh -c 'dmesg | grep -E "WARNING:|BUG:|Oops"'
finish
