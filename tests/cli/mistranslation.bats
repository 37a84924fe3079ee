#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# A libnftables that makes something else of a script than it says: one byte on its way to the kernel is another.
# What the kernel holds is read as it is, so the proof finds it, and nothing is written or changed.

load lib

setup_file() {
	cli_begin
	command -v cc >/dev/null || return 0
	cat >"$WORK/shim.c" <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <stdlib.h>
	#include <string.h>
	#include <sys/socket.h>

	static size_t bytes(const char *name, unsigned char *to)
	{
		const char *s = getenv(name);
		size_t n = 0;

		for (; s && s[0] && s[1] && n < 64; s += 2) {
			char hex[3] = {s[0], s[1], 0};

			to[n++] = (unsigned char)strtoul(hex, NULL, 16);
		}
		return n;
	}

	/* SHIM_FROM, SHIM_TO: bytes in hexadecimal, as many; each of the one becomes the other */
	ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
	{
		ssize_t (*next)(int, const struct msghdr *, int) =
			(ssize_t (*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, __func__);
		unsigned char from[64], to[64];
		size_t n = bytes("SHIM_FROM", from);

		bytes("SHIM_TO", to);
		for (size_t i = 0; n && i < m->msg_iovlen; i++) {
			unsigned char *p = m->msg_iov[i].iov_base, *end = p + m->msg_iov[i].iov_len;

			while ((p = memmem(p, (size_t)(end - p), from, n)))
				memcpy(p, to, n);
		}
		return next(fd, m, flags);
	}
	END
	cc -shared -fPIC -o "$WORK/shim.so" "$WORK/shim.c" -ldl
}
teardown_file() { cli_end; }

setup() {
	[ -e "$WORK/shim.so" ] || skip "no C compiler"
	if ldd "$FWC" | grep -q libasan; then skip "the sanitizer must be loaded first"; fi
	inns nft flush ruleset
	rm -rf "$WORK/state"
	cat >"$WORK/policy.fwc" <<-END
	forwarding off
	zone lan { interface eth0 }
	zone wan { interface eth1 }
	allow lan -> self tcp/23
	allow wan -> 192.0.2.5@self tcp/24
	drop wan -> self
	allow self -> any
	END
	chmod 644 "$WORK/policy.fwc"
}

# FROM TO: attributes as netlink(7) and nf_tables.h have them
mistranslated() {
	SHIM_FROM=$1 SHIM_TO=$2 LD_PRELOAD=$WORK/shim.so run fwc "${@:3}" "$WORK/policy.fwc"
	echo "$output"
}
found() { # a packet of which policy and kernel think otherwise
	[ "$status" = 3 ]
	[[ $output == *"internal error"*" packet "*" policy "*" kernel "* ]]
	[ ! -e "$WORK/state/candidate" ]
}

@test "as it is, it is proved" {
	mistranslated "" "" compile
	[ "$status" = 0 ]
	[ -e "$WORK/state/candidate/manifest.json" ]
}

@test "another port" {
	mistranslated 060001000017 060001000018 compile
	found
	[[ $output == *"tcp/2"[34]* ]]
}

@test "accept for drop, everywhere" {
	mistranslated 0c0002800800010000000000 0c0002800800010000000001 compile
	found
}

@test "established: and new" {
	mistranslated 0800010002000000 080001000a000000 compile
	found
}

@test "the source where the target is meant" {
	mistranslated 08000300000000100800040000000004 080003000000000c0800040000000004 compile
	found
}

@test "the interface that it leaves by where it arrives is meant" {
	mistranslated 0800020000000006 0800020000000007 compile
	[ "$status" = 3 ]
	[[ $output == *"internal error"* || $output == *"refuse"* ]]
	[ ! -e "$WORK/state/candidate" ]
}

@test "not equal for equal" {
	mistranslated 08000200000000000c000380 08000200000000010c000380 compile
	found
}

@test "a mistranslation when it is applied: what ran before goes on" {
	fwc compile "$WORK/policy.fwc"
	fwc apply
	fwc show >"$WORK/before"
	sed -i 's,tcp/23,tcp/25,' "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	SHIM_FROM=060001000019 SHIM_TO=060001000018 LD_PRELOAD=$WORK/shim.so run fwc apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"nothing was changed"* ]]
	fwc show | diff "$WORK/before" -
}

@test "what was kept becomes something else on its way: nothing is led to it" {
	fwc compile "$WORK/policy.fwc"
	SHIM_FROM=060001000017 SHIM_TO=060001000016 LD_PRELOAD=$WORK/shim.so run fwc apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"the kernel holds "*" differently from what was sent"*"tcp dport"*23*22* ]]
	run inns nft list ruleset
	[[ $output != *hook* && $output != *22* ]]
	fwc apply
}
