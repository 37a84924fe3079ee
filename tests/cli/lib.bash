# SPDX-License-Identifier: GPL-2.0-or-later
# One namespace and one state directory for each test file; all gone afterwards.

here=${BATS_TEST_FILENAME:-$0} # a process less than dirname(1), and each test reads this
here=$(cd "${here%/*}" && pwd)
FWC=${FWC:-$here/../../fwc}
. "$here/../lab/left.bash"

cli_begin() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	NS=fwccli$$x$RANDOM
	WORK=$(mktemp -d)
	chmod 755 "$WORK"
	export NS WORK
	ip netns add "$NS"
	ip -n "$NS" link set lo up
}

cli_end() {
	end_left
	[ -z "${NS:-}" ] || ip netns del "$NS" 2>/dev/null || true
	[ -z "${WORK:-}" ] || rm -rf "$WORK" "/run/fwc/public$WORK"
}

fwc() { "$FWC" --netns "$NS" --state "$WORK/state" --color=never "$@"; }
inns() { ip netns exec "$NS" "$@"; }
# Without site-packages, and with modules in C alone where they do, Python starts in a third of the time.
generation() { ip netns exec "$NS" /usr/bin/python3 -IS "$here/generation.py"; }
json() { "$here/../lab/document" "print(($1))"; } # an expression

# The name of the live object with that stem: live map from-wild
live() { inns nft list "$1s" | grep -o "$1 $2\.[0-9a-f]\{12\}" | cut -d' ' -f2 | head -n1; }

# Those of this file that stand still at a step; others may be stopped by other tests.
stopped() {
	local p
	while read -r p; do
		! grep -qz "^WORK=$WORK$" "/proc/$p/environ" 2>/dev/null || echo "$p"
	done < <(grep -l '^State:.*stopped' /proc/[0-9]*/status 2>/dev/null | cut -d/ -f3)
}

# A policy on standard input becomes the candidate.
candidate() {
	cat >"$WORK/${1:-policy}.fwc"
	chmod 644 "$WORK/${1:-policy}.fwc"
	fwc compile "$WORK/${1:-policy}.fwc" 2>"$WORK/said"
}

# A directory of the artefact's manifest: without its seal it may be edited.
unseal() { sed -i '/^ "seal": /d' "$1/manifest.json"; }

small() { # a policy; $1: port of its first rule
	cat <<END
forwarding off
zone lan { interface eth0 }
zone wan { interface eth1, ppp* }
set friends = 192.0.2.0/24, 198.51.100.7
set guests = dynamic, timeout 1h, size 100
allow lan -> self tcp/${1:-22}
drop guests@wan -> any
allow friends@wan -> self https
allow lan -> wan
masquerade lan -> wan
END
}
