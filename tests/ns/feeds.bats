#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Lists that are bulk sets, here from 50 ranges on: an address in a list is dropped and its neighbour
# passes, in both families; after apply, trial, rollback and boot, and when the list has changed.

load ../lab/lab

export FWC_BULK_MIN=50

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client
	lab_cable router:eth0 client:eth0
	lab_addr router eth0 10.0.0.1/16 fd00::1/64
	lab_addr client eth0 10.0.0.9/16 fd00::9/64
	lab_alias four client 10.0.0.40
	lab_alias beside-four client 10.0.0.41
	lab_alias seven client 10.0.0.70
	lab_alias net client 10.0.7.200
	lab_alias six client fd00::40
	lab_alias beside-six client fd00::41
	lab_route router fd00::40/127 via fd00::9 # of lo no neighbour is told
}

teardown_file() {
	lab_end
}

# policy ADDRESS...: these, and sixty that are nobody's
policy() {
	python3 -c "
for i in range(60): print(f'198.51.100.{4 * i}\n2001:db8::{4 * i:x}')
for a in '$*'.split(): print(a)" >"$LAB_DIR/list"
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone wan { interface eth0 }
		set bad = file "list"
		drop bad@wan -> self
		allow wan -> self tcp/80
	END
	chmod 644 "$LAB_DIR/list" "$LAB_DIR/p.fwc"
	lab_fwc router compile "$LAB_DIR/p.fwc"
	grep -q '\.bulk {' "$LAB_DIR/state-router/candidate/ruleset.nft" ||
		skip "this build makes no bulk sets of short lists"
}

drops_four() {
	lab_flows <<-'END'
		four -> router tcp/80 : dropped
		beside-four -> router tcp/80 : passes
		six -> router tcp/80 : dropped
		beside-six -> router tcp/80 : passes
		seven -> router tcp/80 : passes
		net -> router tcp/80 : dropped
	END
}

drops_seven() {
	lab_flows <<-'END'
		four -> router tcp/80 : passes
		seven -> router tcp/80 : dropped
		six -> router tcp/80 : passes
		beside-six -> router tcp/80 : dropped
		net -> router tcp/80 : passes
	END
}

@test "apply, trial, rollback, confirm, boot: what the list says is what packets meet" {
	policy 10.0.0.40 10.0.7.0/24 fd00::40
	lab_fwc router apply >/dev/null
	drops_four
	policy 10.0.0.70 fd00::41
	lab_fwc router apply --confirm=60 >/dev/null
	drops_seven
	lab_fwc router rollback >/dev/null
	drops_four
	lab_fwc router apply --confirm=60 >/dev/null
	lab_fwc router confirm >/dev/null
	drops_seven
	lab_in router nft flush ruleset
	lab_fwc router boot
	drops_seven
	lab_fwc router rollback >/dev/null
	drops_four
	lab_fwc router status --deep >/dev/null
}

# networks NETWORK...: these, and some of two lengths in each family that are nobody's
networks() {
	python3 -c "
for i in range(60): print(f'100.64.{2 * i}.0/24\n100.{80 + 2 * i}.0.0/16\n2001:db8:{2 * i:x}::/48\n2001:db8:ffff:{2 * i:x}::/64')
for a in '$*'.split(): print(a)" >"$LAB_DIR/list"
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone wan { interface eth0 }
		set bad = file "list"
		drop bad@wan -> self tcp/80
		allow wan -> self tcp/80
		allow !bad@wan -> self tcp/81
	END
	lab_fwc router compile "$LAB_DIR/p.fwc"
}

@test "networks of a few lengths: hashes that are looked up by so many bits of an address" {
	policy 10.0.0.40
	networks 10.0.7.0/24 fd00:0:0:1::/64
	script=$LAB_DIR/state-router/candidate/ruleset.nft
	grep -q 'ip saddr & 255.255.255.0 @bad.v4-24' "$script"
	grep -q 'ip saddr & 255.255.0.0 @bad.v4-16' "$script"
	grep -q 'ip6 saddr & ffff:ffff:ffff:ffff:: @bad.v6-64' "$script"
	lab_fwc router apply --no-confirm
	lab_flows <<-'END'
		net         -> router tcp/80 : dropped
		net         -> router tcp/81 : dropped
		four        -> router tcp/80 : passes
		four        -> router tcp/81 : passes
		six         -> router tcp/80 : passes
		six         -> router tcp/81 : passes
	END
	lab_fwc router status --deep
	networks 10.0.0.40/31 fd00::40/127 fd00:0:0:1::/64
	lab_fwc router apply --no-confirm
	lab_flows <<-'END'
		net         -> router tcp/80 : passes
		net         -> router tcp/81 : passes
		four        -> router tcp/80 : dropped
		four        -> router tcp/81 : dropped
		beside-four -> router tcp/80 : dropped
		six         -> router tcp/80 : dropped
		beside-six  -> router tcp/81 : dropped
	END
	lab_fwc router status --deep
	lab_fwc router rollback
	lab_flows <<-'END'
		net         -> router tcp/81 : dropped
		four        -> router tcp/81 : passes
	END
}
