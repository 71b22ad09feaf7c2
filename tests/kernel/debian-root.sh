# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced after lib.sh by tests that boot a Debian system: this machine's release, from the same
# archive, kept in the cache until the list of packages changes.

# root_packages PROGRAM…: systemd as process 1, and what the libraries of the programs are from, with commas.
root_packages() {
	local library
	{
		echo systemd-sysv
		for library in $(ldd "$@" | sed -n 's,.*/\([^/ ]*\) (0x.*,\1,p' | sort -u); do
			dpkg-query -S "*/$library" 2>/dev/null | sed -n 's,^\([^:, ]*\)\(:amd64\)\{0\,1\}: .*,\1,p' | head -n 1
		done
	} | sort -u | paste -sd,
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# What this machine's apt is told of the release: its sources, and how it reaches them.
apt_sources() {
	local file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] || ! grep -qw "$1" "$file" || echo "$file"
	done
}

# make_root_archive PROGRAM…: $ROOT_ARCHIVE, a tar of a system that can run them.
make_root_archive() {
	local codename folder=${XDG_CACHE_HOME:-$HOME/.cache}/suture/roots sources key packages
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	packages=$(root_packages "$@")
	key=$(echo "$codename $packages" | sha256sum | cut -c1-16)
	ROOT_ARCHIVE=$folder/$codename-$key.tar
	[ ! -e "$ROOT_ARCHIVE" ] || return 0
	mapfile -t sources < <(apt_sources "$codename")
	[ ${#sources[@]} -gt 0 ] || { echo "apt has no sources for $codename"; return 1; }
	mkdir -p "$folder" && apt-config dump Acquire >"$WORK/apt.conf" || return
	as_root mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt="$WORK/apt.conf" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' "$codename" "$WORK/root.tar" "${sources[@]}" &&
		as_root chown "$(id -u)" "$WORK/root.tar" && cp "$WORK/root.tar" "$ROOT_ARCHIVE.$$" && rm -f "$WORK/root.tar" || return
	find "$folder" -name "$codename-*.tar" -delete
	mv "$ROOT_ARCHIVE.$$" "$ROOT_ARCHIVE"
}

# unpack_root FOLDER: the system, made ready to boot without anybody at its console.
unpack_root() {
	local unit
	mkdir -p "$1" && as_root tar -C "$1" --numeric-owner -xf "$ROOT_ARCHIVE" || return
	echo 73757475726500000000000000000002 | as_root tee "$1/etc/machine-id" >/dev/null
	echo guest | as_root tee "$1/etc/hostname" >/dev/null
	as_root mkdir -p "$1/var/log/journal"
	# There is no udev, so a terminal's device never comes, and no D-Bus for logins; nor a network for apt.
	for unit in serial-getty@.service getty@.service getty-static.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer \
		dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer; do
		as_root ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
}

# make_disk FOLDER FILE: an ext4 image of a folder, with room for what is written.
make_disk() {
	local size
	size=$(as_root du -sm "$1" | cut -f1)
	rm -f "$2" && truncate -s "$((size + 200))M" "$2" && as_root mke2fs -q -t ext4 -d "$1" "$2"
}
