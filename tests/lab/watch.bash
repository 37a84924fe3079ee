# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# watch.bash: what happens to the ruleset of a host while a command runs, as `nft monitor` tells it.
#
#	watch_begin NAME         listen; returns when the listener is known to hear
#	watch_end NAME           print the events since then, the listener's own test events left out
#
# Events arrive in order, so a marker transaction before and one after bound what is ours.

watch_begin() {
	local name=$1 try

	# No function here: the process to be killed must be nft, not a shell around it.
	ip netns exec "$LAB-$name" nft -a monitor >"$LAB_DIR/watch-$name" 2>&1 3>&- &
	echo $! >"$LAB_DIR/watch-$name.pid"
	for try in {1..600}; do
		watch_mark "$name" "begin$try"
		grep -q "table ip begin$try" "$LAB_DIR/watch-$name" && break
		sleep 0.05
	done
	watch_mark "$name" start-of-watch
}

watch_mark() {
	lab_in "$1" nft -f - <<-END
		add table ip $2
		delete table ip $2
	END
	sleep 0.02
}

watch_end() {
	local name=$1 try

	watch_mark "$name" end-of-watch
	for try in {1..600}; do
		grep -q "delete table ip end-of-watch" "$LAB_DIR/watch-$name" && break
		sleep 0.05
	done
	kill "$(<"$LAB_DIR/watch-$name.pid")"
	wait "$(<"$LAB_DIR/watch-$name.pid")" 2>/dev/null || true
	sed -n '/delete table ip start-of-watch/,/add table ip end-of-watch/p' \
		"$LAB_DIR/watch-$name" | sed '1d;$d' | sed '1{/^# new generation/d}'
}
