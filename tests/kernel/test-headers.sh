#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Patches of headers: every file that includes one is found, only those whose text changes are
# compiled, and what cannot be said so is said.
. "$(dirname "$0")/lib.sh"

prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
[ -d "$SOURCE" ] || give_up "no source tree"

# make_patch NAME FILE SED…: a patch made by editing a file of the source.
make_patch() {
	local name=$1 file=$2 tree=$WORK/tree-$1
	shift 2
	mkdir -p "$tree/a/$(dirname "$file")" "$tree/b/$(dirname "$file")"
	cp "$SOURCE/$file" "$tree/a/$file"
	sed "$@" "$SOURCE/$file" >"$tree/b/$file"
	(cd "$tree" && diff -u --label "a/$file" --label "b/$file" "a/$file" "b/$file" >"$WORK/$name.patch")
	rm -r "$tree"
}

# answers STATUS PATTERN ARGUMENT…: that exit status of suture-build check, and that text.
answers() {
	local status=$1 pattern=$2
	shift 2
	exits "$status" suture-build check --kernel "$RELEASE" "$@" >"$WORK/answer.out" 2>&1 || {
		cat "$WORK/answer.out"
		return 1
	}
	cat "$WORK/answer.out"
	grep -q -e "$pattern" "$WORK/answer.out"
}

# changed: the functions that the last check names, sorted, in one line.
changed() {
	sed -n 's/.*changed: \([^ ]*\) .*/\1/p' "$WORK/answer.out" | sort -u | tr '\n' ' '
}

make_patch comment include/net/sock.h -e '1a /* a comment */\n' -e 's/^struct sock {/&\t\t\/* blanks *\//'
check "a comment in a header that a thousand files include" answers 3 "changes no code" "$WORK/comment.patch"

make_patch wide include/net/sock.h -e '/^static inline bool sock_flag(/,/^}/s/return /return sk \&\& /'
check "a function of such a header asks first" answers 1 "^suture-build: 1[0-9]* files .* include what the patch changes" "$WORK/wide.patch"
check "and says how to go on" grep -q -e "--all" "$WORK/answer.out"

make_patch macro net/netfilter/nf_internals.h -e 's/^\(#define CTA_FILTER_F_CTA_PROTO_NUM\t*\)(1 << 3)/\1(1 << 14)/'
check "a macro of a header beside its readers" answers 0 "can be applied live" "$WORK/macro.patch"
check "changes what uses it, in one module" \
	says "ctnetlink_filter_match_tuple" grep "changed:.*nf_conntrack_netlink" "$WORK/answer.out"

make_patch inline fs/proc/internal.h -e '/^static inline bool pde_is_permanent(/,/^}/s/return /return pde->namelen != 77 \&\& /'
check "an inline function" answers 0 "can be applied live" "$WORK/inline.patch"
check "changes the files that use it" says "fs/proc/inode.c" cat "$WORK/answer.out"
check "and not those that only include it" sh -c "! grep -q 'fs/proc/version.c' '$WORK/answer.out'"

make_patch uapi include/uapi/linux/timerfd.h -e 's/^\(#define TFD_TIMER_CANCEL_ON_SET *\)(1 << 1)/\1(1 << 7)/'
check "a header for user space" answers 0 "can be applied live" "$WORK/uapi.patch"
check "changes one file" says "fs/timerfd.c" cat "$WORK/answer.out"

cat >"$WORK/new.patch" <<'PATCH'
diff --git a/fs/proc/suture_new.h b/fs/proc/suture_new.h
new file mode 100644
--- /dev/null
+++ b/fs/proc/suture_new.h
@@ -0,0 +1,1 @@
+#define SUTURE_NEW 7
PATCH
make_patch user fs/proc/version.c -e 's/^#include "internal.h"/&\n#include "suture_new.h"/' \
	-e '/^static int version_proc_show/,/^}/s/return 0;/return m ? 0 : SUTURE_NEW;/'
check "a new header alone" answers 3 "included by no file" "$WORK/new.patch"
check "a new header, and a file that includes it" answers 0 "can be applied live" "$WORK/new.patch" "$WORK/user.patch"
check "changes that file" test "$(changed)" = "version_proc_show "

make_patch layout fs/proc/internal.h -e 's/^struct proc_inode {/&\n\tlong more;/'
check "a structure of a header" answers 4 "struct proc_inode" "$WORK/layout.patch"

make_patch unused drivers/isdn/mISDN/core.h -e 's/^struct mISDNstack {/&\n\tlong more;/' -e '$i #define SUTURE_NEW 7'
check "a header of what is not compiled" answers 3 "included by no file" "$WORK/unused.patch"
sed 's,drivers/isdn/mISDN/core.h,include/linux/suture-no.h,' "$WORK/unused.patch" >"$WORK/missing.patch"
check "a header that is not there" answers 1 "has no file include/linux/suture-no.h" "$WORK/missing.patch"
make_patch script include/asm-generic/vmlinux.lds.h -e '$i #define SUTURE_NEW 7'
check "a part of the linker script" answers 4 "linker script" "$WORK/script.patch"
printf 'diff --git a/include/linux/kcmp.h b/include/linux/kcmp.h\ndeleted file mode 100644\n' >"$WORK/deleted.patch"
check "a deleted header" answers 4 "is deleted" "$WORK/deleted.patch"

check "where the time went" says '{"timings": {"total_s"' \
	suture-build check --kernel "$RELEASE" --timings "$WORK/user.patch" "$WORK/new.patch"
finish
