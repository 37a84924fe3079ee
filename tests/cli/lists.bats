#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats sets $output
# Long lists of addresses from files: what they hold is in the kernel, in a set of the right kind.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

policy() {
	cat <<-END
		forwarding on
		zone lan { interface eth0 }
		zone dmz { interface eth2 }
		zone wan { interface eth1 }
		set feed = file "list.txt"
		drop feed@wan -> any
		allow wan -> dmz, self tcp/22
		allow lan -> wan
	END
}

# What becomes of a packet, and by which line.
decides() { # drop|accept question
	run fwc --config "$WORK/policy.fwc" explain "$2"
	[[ $output == *"  $1"$'\n'* ]]
}

# The one set whose name begins so: size, flags, and its elements, one a line.
in_kernel() {
	inns nft -j list table inet fwc | json '"\n".join(
		["%s %s" % (s.get("size"), s.get("flags"))] + sorted(map(str, s["elem"]))
		if (sets := [x["set"] for x in d["nftables"] if x.get("set", {}).get("name", "").startswith("'"${1:-feed}"'")])
		and len(sets) == 1 and (s := sets[0]) else ["%d sets" % len(sets)])'
}

@test "5,000 addresses, a few of them neighbours, are a hash with each of them once" {
	# every second address, and 192.0.2.0-7 whole; the first line twice, and out of order
	/usr/bin/python3 - <<-'END' >"$WORK/list.txt"
		some = ["10.%d.%d.%d" % (2 * i >> 16, 2 * i >> 8 & 255, 2 * i & 255) for i in range(5000)]
		print("\n".join(some[::-1] + ["192.0.2.%d" % i for i in range(8)] + some[:1]))
	END
	policy | candidate
	fwc apply
	in_kernel >"$WORK/held"
	[ "$(head -n1 "$WORK/held")" = "5008 None" ]
	diff <(sort -u "$WORK/list.txt") <(tail -n+2 "$WORK/held" | sort)
}

@test "the list decides, address by address" {
	decides drop '10.0.0.8@wan -> self tcp/22'
	decides accept '10.0.0.9@wan -> self tcp/22'
	decides drop '192.0.2.7@wan -> 198.51.100.1@dmz tcp/22'
	decides accept '192.0.2.8@wan -> 198.51.100.1@dmz tcp/22'
}

@test "one address more is a set of its own, and the list stays as it is" {
	echo 203.0.113.9 >>"$WORK/list.txt"
	policy | candidate
	fwc apply
	[ "$(in_kernel feed.v4. | head -n1)" = "5008 None" ]
	[ "$(in_kernel feed.v4-more.)" = $'1 None\n203.0.113.9' ]
	decides drop '203.0.113.9@wan -> self tcp/22'
	decides drop '10.0.0.8@wan -> self tcp/22'
	fwc status
}

@test "5,000 networks of one length are a hash of what that leaves of an address" {
	/usr/bin/python3 -c 'for i in range(5000): print("10.%d.%d.0/24" % (2 * i >> 8, 2 * i & 255))' >"$WORK/list.txt"
	policy | candidate
	fwc apply
	in_kernel >"$WORK/held"
	[ "$(head -n1 "$WORK/held")" = "5000 None" ]
	diff <(sed 's|/24||' "$WORK/list.txt" | sort) <(tail -n+2 "$WORK/held" | sort)
	decides drop '10.0.2.255@wan -> self tcp/22'
	decides accept '10.0.3.0@wan -> self tcp/22'
}

@test "5,000 ranges that are no networks are intervals" {
	/usr/bin/python3 -c 'for i in range(5000): print("10.%d.%d.3-10.%d.%d.201" % (2 * (i >> 8, i & 255)))' >"$WORK/list.txt"
	policy | candidate
	fwc apply
	in_kernel >"$WORK/held"
	[ "$(head -n1 "$WORK/held")" = "None ['interval']" ]
	[ "$(wc -l <"$WORK/held")" = 5001 ]
	decides drop '10.0.2.201@wan -> self tcp/22'
	decides accept '10.0.2.202@wan -> self tcp/22'
}

@test "diff names the set of very many addresses that its packets are told by" {
	python3 -c "
for i in range(9000): print('%d.%d.%d.1' % (20 + i % 100, i % 251, i // 100))" >"$WORK/many.list"
	for verb in drop reject; do
		printf 'zone lan { interface eth0 }\nzone wan { interface eth1 }\nset many = file "many.list"\n%s many@wan -> lan\nallow wan -> lan ssh\n' "$verb" >"$WORK/$verb.fwc"
	done
	chmod 644 "$WORK/many.list" "$WORK/drop.fwc" "$WORK/reject.fwc"
	run "$FWC" diff "$WORK/drop.fwc" "$WORK/reject.fwc"
	[ "$status" = 1 ]
	[[ "$output" == *'while set many, a list of 9000 ('*'), holds the source'* ]]
}
