#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-manuals.sh BUILD: every program explains itself: --help, --version, help of each command, a man
# page, every exit status in both, and exit status 2 with a hint for a wrong command line.
set -u
build=$1
failed=0 count=0
# What scripts rely on beside 0, 1 and 2.
declare -A statuses=([suture-build]="3 4 5" [suture]="3 4 5 6 7 8")

ok() { # RESULT NAME
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=1
	fi
}

# The commands that --help lists: the words between the program's name and the first bracket or name
# of an argument.
commands_of() {
	sed -n "s/^  $1 \([a-z][a-z -]*[a-z]\)\( [^a-z].*\)\{0,1\}\$/\1/p" <<<"$2"
}

explains_itself() { # PROGRAM NAME PAGE
	local program=$1 name=$2 page=$3 help man status
	help=$("$program" --help) && [ -n "$help" ] || { echo "# --help fails"; return 1; }
	[ "$("$program" --version | wc -l)" = 1 ] || { echo "# --version is not one line"; return 1; }
	[ -s "$page" ] || { echo "# there is no $page"; return 1; }
	man=$("$program" --man) || { echo "# --man fails"; return 1; }
	for status in 0 1 2 ${statuses[$name]:-}; do
		grep -q "^  $status  ." <<<"$help" || { echo "# --help has no exit status $status"; return 1; }
		grep -q "^\*$status\*\$" <<<"$man" || { echo "# the man page has no exit status $status"; return 1; }
	done
	# What troff takes for a character's name is not printed.
	! grep -n '\\\[[A-Za-z]' "$page" || return 1
	! grep -q "suture: \|TO""DO" <<<"$man"
}

explains_commands() { # PROGRAM NAME
	local program=$1 name=$2 command help
	help=$("$program" --help)
	[[ $help != *Commands:* ]] || [ -n "$(commands_of "$name" "$help")" ] || { echo "# no commands"; return 1; }
	while read -r command; do
		[ -n "$command" ] || continue
		# shellcheck disable=SC2086
		"$program" $command --help | grep -q "^Usage: $name $command" ||
			{ echo "# $name $command --help fails"; return 1; }
	done <<<"$(commands_of "$name" "$help")"
}

refuses() { # PROGRAM NAME
	local said status
	said=$("$1" --no-such-option 2>&1 >/dev/null)
	status=$?
	[ $status = 2 ] || { echo "# exit status $status for an unknown option"; return 1; }
	[[ $said == "$2: "* ]] || { echo "# said: $said"; return 1; }
}

# The keys that the program's own table has, as its source spells them.
names_settings() { # NAME KEY…
	local page=$build/man/$1.8 key
	for key in "${@:2}"; do
		tr -d '\\' <"$page" | grep -q "^fB${key}fR" || { echo "# no $key in $page"; return 1; }
		"$build"/src/*/"$1" --help | grep -q "^  $key  " || { echo "# no $key in --help"; return 1; }
	done
}
keys_in() { # SOURCE
	sed -n 's/^\t{ "\([a-z-]*\)", CONFIG_.*/\1/p' "$(dirname "$0")/../../src/$1"
}

programs=()
for program in "$build"/src/*/suture*; do
	[ -f "$program" ] && [ -x "$program" ] && [[ $program != *suture-lab-* ]] && programs+=("$program")
done
echo "1..$((3 * ${#programs[@]} + 2))"
for program in "${programs[@]}"; do
	name=$(basename "$program")
	page=$(ls "$build/man/$name".[18] 2>/dev/null)
	explains_itself "$program" "$name" "$page"
	ok $? "$name: --help, --version and the man page name every exit status"
	explains_commands "$program" "$name"
	ok $? "$name: each command has help"
	refuses "$program" "$name"
	ok $? "$name: an unknown option is refused with exit status 2"
done
mapfile -t keys < <(keys_in agent/settings.c)
[ ${#keys[@]} -ge 10 ] && names_settings sutured "${keys[@]}"
ok $? "sutured: every key of suture.conf is explained (${#keys[@]})"
mapfile -t keys < <(keys_in server/main.c)
[ ${#keys[@]} -ge 10 ] && names_settings suture-server "${keys[@]}"
ok $? "suture-server: every key of server.conf is explained (${#keys[@]})"
exit $failed
