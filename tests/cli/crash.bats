#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# libnftables may crash, end its process or hang, and a kernel may make something else of a script
# than was sent: fwc reports it, and what ran before goes on running.

load lib

setup_file() {
	cli_begin
	command -v cc >/dev/null || return 0
	cat >"$WORK/shim.c" <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <fcntl.h>
	#include <signal.h>
	#include <stdlib.h>
	#include <string.h>
	#include <unistd.h>

	struct nft_ctx;
	int nft_run_cmd_from_buffer(struct nft_ctx *ctx, const char *buf);

	/* SHIM=segv|abort|exit at a script that holds SHIM_AT; SHIM=drop: the line that holds it is lost */
	int nft_run_cmd_from_filename(struct nft_ctx *ctx, const char *path)
	{
		int (*next)(struct nft_ctx *, const char *) =
			(int (*)(struct nft_ctx *, const char *))dlsym(RTLD_NEXT, __func__);
		const char *how = getenv("SHIM"), *what = getenv("SHIM_AT");
		static char buf[1 << 20];
		int fd = open(path, O_RDONLY);
		char *at, *line;

		buf[read(fd, buf, sizeof(buf) - 1)] = 0;
		close(fd);
		at = how && what && !strstr(buf, "flush table") ? strstr(buf, what) : NULL;
		if (!at)
			return next(ctx, path);
		if (!strcmp(how, "segv"))
			raise(SIGSEGV);
		if (!strcmp(how, "abort"))
			abort();
		if (!strcmp(how, "exit"))
			exit(0);
		for (line = at; line > buf && line[-1] != '\n'; line--)
			;
		for (; *line != '\n'; line++)
			*line = ' ';
		return nft_run_cmd_from_buffer(ctx, buf);
	}
	END
	cc -shared -fPIC -o "$WORK/shim.so" "$WORK/shim.c" -ldl -lnftables
}
teardown_file() { cli_end; }

setup() {
	[ -e "$WORK/shim.so" ] || skip "no C compiler"
	if ldd "$FWC" | grep -q libasan; then skip "the sanitizer must be loaded first"; fi
	inns nft flush ruleset
	rm -rf "$WORK/state"
	small 22 | candidate
	fwc apply
	fwc show >"$WORK/before"
	small 23 | candidate
}

# What was kept goes to the kernel without libnftables; here the script is to.
shimmed() { FWC_FAULT=no-messages LD_PRELOAD=$WORK/shim.so SHIM=$1 SHIM_AT=$2 run "$FWC" --netns "$NS" --state "$WORK/state" apply; }
untouched() {
	[ "$status" = 3 ]
	[[ $output == *"nothing was changed"* ]]
	fwc show | diff "$WORK/before" -
	run fwc apply
	[ "$status" = 0 ]
}

@test "a segmentation fault while staging" {
	shimmed segv "tcp dport 23"
	[[ $output == *"signal 11"* ]]
	untouched
}

@test "an abort while swapping" {
	shimmed abort "insert rule"
	[[ $output == *"signal 6"* ]]
	untouched
}

@test "an exit() in the library is not taken for success" {
	shimmed exit "insert rule"
	[[ $output == *"exited in its child process"* ]]
	untouched
}

@test "a rule that gets lost on the way is noticed before the swap" {
	shimmed drop "tcp dport 23"
	[[ $output == *"differently from what was sent"* ]]
	untouched
}

@test "a swap that gets lost on the way is noticed" {
	shimmed drop "insert rule"
	[ "$status" = 3 ]
}
