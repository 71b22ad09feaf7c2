# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by tests of the machine's programs: TAP, and a whole world on loopback: repository, server,
# and a machine below a folder of its own ($machine), whose kernel is a tree of files.
# Needs $build, the build folder.

set -u
program() { echo "$build/src/$1/$2"; }
suture_repo=$(program repo suture-repo)
suture_server=$(program server suture-server)
sutured=$(program agent sutured)
suture_fetch=$(program fetch suture-fetch)
suture=$(program cli suture)
release=6.1.0-99-test-amd64
build_id=0123456789abcdef0123456789abcdef01234567

world=$(mktemp -d)
machine=$world/machine
children=()
finish() {
	for pid in "${children[@]:-}"; do
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
	done
	wait
	[ -n "${KEEP_WORLD:-}" ] && echo "# kept: $world" || rm -rf "$world"
}
trap finish EXIT

tests=0 failures=0
# ok NAME COMMAND…: one TAP line; the command's output when it fails.
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$world/out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$world/out"
		failures=$((failures + 1))
	fi
}
done_testing() {
	echo "1..$tests"
	[ "$failures" = 0 ]
}
# changes_until FOLDER COMMAND…: the command is tried again whenever a name appears in the folder (files
# are replaced as one step there), for at most 20 s.
changes_until() {
	python3 "$(dirname "${BASH_SOURCE[0]}")/changes-until.py" "$@"
}
# fails_with STATUS TEXT COMMAND…: exit status and a text in what it says.
fails_with() {
	local want=$1 text=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	echo "$out"
	[ "$status" = "$want" ] || { echo "exit status $status instead of $want"; return 1; }
	grep -qF -- "$text" <<<"$out" || { echo "does not say: $text"; return 1; }
}
field() { jq -r "$1" "$machine/run/suture/status.json"; }
field_is() {
	[ "$(field "$1")" = "$2" ] || { echo "$1 is $(field "$1"), not $2"; return 1; }
}

# --- the machine's kernel

make_kernel() {
	local proc=$machine/proc sys=$machine/sys
	mkdir -p "$proc/sys/kernel/random" "$sys/kernel/livepatch" "$machine/etc/suture"
	echo "$release" >"$proc/sys/kernel/osrelease"
	echo "#1 SMP" >"$proc/sys/kernel/version"
	echo x86_64 >"$proc/sys/kernel/arch"
	echo testmachine >"$proc/sys/kernel/hostname"
	cat /proc/sys/kernel/random/boot_id >"$proc/sys/kernel/random/boot_id"
	echo 0 >"$proc/sys/kernel/tainted"
	echo 0 >"$proc/sys/kernel/modules_disabled"
	echo "100.0 100.0" >"$proc/uptime"
	printf '\4\0\0\0\24\0\0\0\3\0\0\0GNU\0%b' "$(sed 's/../\\x&/g' <<<$build_id)" >"$sys/kernel/notes"
	printf 'fetch-user = %s\n' "$(id -un)" >"$machine/etc/suture/suture.conf"
}

# --- patches

make_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$world/module.key" -out "$world/module.crt" \
		-days 30 -subj "/CN=test modules" -addext keyUsage=digitalSignature \
		-addext extendedKeyUsage=codeSigning -addext subjectKeyIdentifier=hash 2>/dev/null
}
# make_patch VERSION [RELEASE IN VERMAGIC]: an object that says it is a livepatch, and its record; listed in $tier (stable).
make_patch() {
	local version=$1 magic=${2:-$release} name dir=$world/patch-$1 code
	name=suture_$(tr -c 'A-Za-z0-9\n' _ <<<"${release}_$version")
	mkdir -p "$dir"
	code=$(jq -n --arg kernel "$release" --arg id "$build_id" --arg zero "$(printf '%064d' 0)" '{kernel: $kernel, build_id: $id,
		objects: [{name: "vmlinux", build_id: $id, functions: [{name: "cmdline_proc_show", sympos: 0, size: 16,
		mask: [], sha256: $zero}], callbacks: false}], states: []}')
	{
		echo '#define INFO(n, t) static const char n[] __attribute__((section(".modinfo"), used)) = t;'
		echo "INFO(a, \"name=$name\") INFO(b, \"vermagic=$magic SMP mod_unload \") INFO(c, \"livepatch=Y\")"
		echo "INFO(e, \"suture_code=$(jq -jcS . <<<"$code" | sha256sum | cut -c1-64)\")"
		echo "INFO(d, \"license=GPL\") const char version[] = \"$version\";"
	} >"$dir/$name.c"
	gcc -c -o "$dir/$name.ko" "$dir/$name.c"
	jq --arg v "$version" --arg name "$name" --arg magic "$magic SMP mod_unload " \
		--arg sha "$(sha256sum "$dir/$name.ko" | cut -c1-64)" \
		--arg zero "$(printf '%064d' 0)" '{format: 1, version: $v, module: $name,
		vermagic: $magic, module_sha256: $sha, severity: "high", cves: ["CVE-2026-1000"],
		inputs: [], new_functions: [], patches: [{name: "fix.patch", sha256: $zero}],
		compiler: "gcc", tool: "suture-build 0", run_pre: {compared: 1, equal: 1}} + .' <<<"$code" >"$dir/record.json"
	"$suture_repo" module sign --key "$world/module.key" --cert "$world/module.crt" "$dir/$name.ko" || return
	"$suture_repo" add "$world/repo" "$dir/$name.ko" --record "$dir/record.json" --tier "${tier:-stable}"
}

# --- repository and server

make_repository() {
	"$suture_repo" init "$world/repo" --keys "$world/keys" --tier stable
}
publish() {
	"$suture_repo" publish "$world/repo" --to "$world/server/repository"
}
start_server() {
	rm -f "$world/server/listen.json"
	"$suture_server" --data "$world/server" --listen "127.0.0.1:${port:-0}" --listen-people 127.0.0.1:0 \
		--name 127.0.0.1 >>"$world/server.log" 2>&1 &
	server_pid=$!
	children+=($server_pid)
	changes_until "$world/server" test -s "$world/server/listen.json" || return
	port=$(jq .machines.port "$world/server/listen.json")
	people=$(jq .people.port "$world/server/listen.json")
}
stop_server() {
	kill "$server_pid"
	wait "$server_pid" 2>/dev/null
	true
}
people_call() { # METHOD PATH BODY
	curl -sSf --cacert "$world/server/pki/ca.pem" -X "$1" -H "Content-Type: application/json" -H "Authorization: Bearer ${session:-none}" \
		-d "$3" "https://127.0.0.1:$people$2"
}
log_in() {
	session=$(jq -n --rawfile p "$world/server/admin-password" '{user: "admin", password: ($p | rtrimstr("\n"))}' |
		{ people_call POST /v1/admin/login "$(cat)"; } | jq -r .session)
	[ -n "$session" ]
}
make_token() {
	people_call POST /v1/admin/tokens '{"uses": 1, "lifetime": 3600, "note": "test"}' | jq -r .secret >"$world/token"
	[ -s "$world/token" ]
}
make_bundle() {
	"$suture_repo" trust-bundle "$world/repo" --url "https://127.0.0.1:$port" \
		--server-ca "$world/server/pki/ca.pem" --module-cert "$world/module.crt" -o "$world/bundle.json"
}

# --- the machine's programs

start_agent() {
	mkdir -p "$machine/run/suture"
	rm -f "$machine/run/suture/control.sock"
	SUTURE_ROOT=$machine "$sutured" 2>>"$world/sutured.log" &
	agent_pid=$!
	children+=($agent_pid)
	changes_until "$machine/run/suture" test -S "$machine/run/suture/control.sock"
}
stop_agent() {
	kill "$agent_pid"
	wait "$agent_pid"
}
start_fetch() {
	SUTURE_ROOT=$machine "$suture_fetch" --keep-user --connect-timeout 5 --stall-timeout 5 --total-timeout 20 \
		2>>"$world/fetch.log" &
	fetch_pid=$!
	children+=($fetch_pid)
}
stop_fetch() {
	kill "$fetch_pid"
	wait "$fetch_pid" 2>/dev/null
	true
}
on_machine() { SUTURE_ROOT=$machine timeout 60 "$suture" "$@"; }

livepatch=$machine/sys/kernel/livepatch/suture_6_1_0_99_test_amd64_1_1
# pretend_applied [VERSION]: the load ends at a kernel that is a tree of files; from there on both say that
# it was one.
pretend_applied() {
	local journal=$machine/var/lib/suture/journal.json version=${1:-1.1} module
	module=$(ls "$world"/patch-1.1/*.ko) || return
	stop_agent
	jq --arg kernel "$release" --arg id "$build_id" --arg name "$(basename "$livepatch")" \
		--arg version "$version" --arg sha "$(sha256sum "$module" | cut -c1-64)" --argjson length "$(stat -c %s "$module")" \
		'.state = "applied" | .error = null | .accepted = {version: $version, kernel: $kernel, build_id: $id,
		module: $name, sha256: $sha, length: $length, published: "2026-01-01T00:00:00Z"}' "$journal" >"$world/journal" &&
		cp "$world/journal" "$journal" && mkdir -p "$livepatch" && echo 1 >"$livepatch/enabled" &&
		echo 0 >"$livepatch/transition" && start_agent
}

# --- a server that lies

start_liar() {
	local name
	liar=$world/liar
	mkdir -p "$liar"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$liar/ca.key" -out "$liar/ca.pem" \
		-days 2 -subj /CN=liar -addext keyUsage=critical,keyCertSign 2>/dev/null
	for name in good other expired wrongname; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$liar/$name.key" -subj /CN=liar \
			2>/dev/null |
			openssl x509 -req -CA "$liar/ca.pem" -CAkey "$liar/ca.key" -set_serial 2 -days 2 \
				-extfile <(echo subjectAltName=IP:127.0.0.1) -out "$liar/$name.pem" 2>/dev/null
	done
	ln -sfn "$world/server/repository" "$liar/repository"
	mkfifo "$world/liar-ports"
	python3 "$(dirname "${BASH_SOURCE[0]}")/hostile-server.py" "$liar" >"$world/liar-ports" 2>>"$world/liar.log" &
	children+=($!)
	read -r -t 60 liar_ports <"$world/liar-ports"
}
liar_port() { grep -o "\<$1=[0-9]*" <<<"$liar_ports" | cut -d= -f2; }
liar_bundle() { # LISTENER
	"$suture_repo" trust-bundle "$world/repo" --url "https://127.0.0.1:$(liar_port "$1")" \
		--server-ca "$liar/ca.pem" --module-cert "$world/module.crt" -o "$world/liar.json"
}
# says GRANT [SEQUENCE]: what the liar answers to check-ins; `null` repeats the machine's sequence.
says() {
	rm -f "$liar/told.json"
	jq -n --argjson grant "$1" --argjson sequence "${2:-null}" '{sequence: $sequence, grant: $grant,
		reason: (if $grant then "granted" else "up-to-date" end), interval: 3600, time: "2026-11-22T00:00:00Z"}' >"$liar/check-in.json"
}
# liar_told CODE: since then a refusal was reported to it.
liar_told() {
	jq -c '{state, error, events}' "$liar/told.json"
	jq -se --arg code "$1" 'any(.state == "refused" and .error.code == $code and
		(.events | any(.event == "refused" and .code == $code)))' "$liar/told.json" >/dev/null
}
grant() { jq -nc --arg v "$1" --arg k "${2:-$release}" '{version: $v, kernel: $k, rollout: "r"}'; }
enrol_liar() { # LISTENER [OPTION…]
	echo good-token-good-token-good >"$world/liar-token"
	liar_bundle "$1" && on_machine enable --trust "$world/liar.json" --token-file "$world/liar-token" "${@:2}"
}
