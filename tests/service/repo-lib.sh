# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# repo-lib.sh, for the tests of suture-repo: a folder of their own, results as TAP, modules and what
# of a repository one looks at. The test has set $repo. Modules are small objects with the .modinfo of
# a livepatch.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/suture-repo-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
release=6.1.0-56-cloud-amd64 id=0123456789abcdef0123456789abcdef01234567
n=0

report() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' out err
	fi
}

works() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >out 2>err
	report $? "$name"
}

refuses() { # NAME STATUS TEXT COMMAND...
	local name=$1 status=$2 text=$3 got
	shift 3
	"$@" >out 2>err
	got=$?
	[ $got = "$status" ] && grep -qF -- "$text" err
	report $? "$name"
}

check() { # NAME CONDITION...
	local name=$1
	shift
	: >out
	: >err
	"$@" >>out 2>>err
	report $? "$name"
}

# module VERSION [RELEASE]: leaves m-VERSION.ko (unsigned), m-VERSION.json and its source,
# fix-VERSION.patch. With other digits in $salt it is another module of the same name.
module() {
	local v=$1 r=${2:-$release} name sha source objects code
	echo "a fix, $v" >"fix-$v.patch"
	source=$(sha256sum "fix-$v.patch" | cut -d' ' -f1)
	objects="[{\"build_id\":\"$id\",\"callbacks\":false,\"functions\":[{\"mask\":[[5,4]],\"name\":\"f\",\"sha256\":\"$source\",\"size\":32,\"sympos\":0}],\"name\":\"vmlinux\"}]"
	code=$(printf '{"build_id":"%s","kernel":"%s","objects":%s,"states":[]}' "$id" "$r" "$objects" | sha256sum | cut -d' ' -f1)
	name=suture_$(echo "${r}_$v" | tr -c 'a-zA-Z0-9\n' _)
	# The assembler alone: a test may want hundreds of them.
	as -o "m-$v.ko" - <<-END
		.section .modinfo, "a"
		.asciz "name=$name"
		.asciz "vermagic=$r SMP mod_unload "
		.asciz "livepatch=Y"
		.asciz "suture_code=$code"
		.data
		.long ${v/./}${salt-}
	END
	sha=$(sha256sum "m-$v.ko" | cut -d' ' -f1)
	cat >"m-$v.json" <<-END
		{"format": 1, "kernel": "$r", "build_id": "$id", "version": "$v", "module": "$name",
		"vermagic": "$r SMP mod_unload ", "module_sha256": "$sha", "severity": "high",
		"cves": ["CVE-2024-1086"], "objects": $objects,
		"states": [], "inputs": [],
		"new_functions": [], "patches": [{"name": "fix-$v.patch", "sha256": "$source"}],
		"compiler": "gcc", "tool": "suture-build 0.1.0", "run_pre": {"compared": 1, "equal": 1}}
	END
}

signed() { # VERSION [RELEASE]
	module "$@" && "$repo" module sign --key keys/module.pem --cert keys/module.crt "m-$1.ko" >/dev/null
}

# without FOLDER COMMAND…: while the folder is not there. Says nothing.
without() {
	local folder=$1 status
	shift
	mv "$folder" "$folder.away"
	"$@" >/dev/null 2>&1
	status=$?
	mv "$folder.away" "$folder"
	return $status
}

listed() { # TIER VERSION: what a client finds there
	"$repo" verify r --format json >/dev/null && grep -q "\"version\":\"$2\"" \
		"r/repository/metadata/$(current "$1").$1.json"
}

current() { # ROLE: its version in the newest snapshot
	local snapshot
	snapshot=$(grep -o '"snapshot.json":{"version":[0-9]*' r/repository/metadata/timestamp.json | grep -o '[0-9]*$')
	grep -o "\"$1.json\":{\"version\":[0-9]*" "r/repository/metadata/$snapshot.snapshot.json" | grep -o '[0-9]*$'
}
