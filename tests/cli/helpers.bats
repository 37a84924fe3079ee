#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Connection helpers as objects of the table: they come and go with their rules; and a kernel that lacks
# one, when a policy is compiled and at boot.

load lib.bash

setup() {
	cli_begin
	cat >"$WORK/policy.fwc" <<-'P'
		forwarding off
		zone lan { interface lan0 }
		zone wan { interface wan0 }
		allow lan -> wan ftp, http
		allow lan -> wan udp/6969 helper tftp
	P
	chmod 644 "$WORK/policy.fwc"
}

teardown() { cli_end; }

objects() { inns nft list table inet fwc | sed -n 's/^	ct helper \([a-z-]*\)\..* {$/\1/p' | sort | xargs; }

@test "helpers are made with the rules that attach them, and go with them" {
	fwc compile "$WORK/policy.fwc" && fwc apply
	[ "$(objects)" = "helper-ftp-tcp helper-tftp-udp" ]
	fwc diff "$WORK/policy.fwc"
	fwc status | grep 'holds what was applied'
	[ "$(fwc --json show | json 'sorted(o["type"] for o in d["objects"] if o["kind"] == "ct helper")')" = \
		"['ftp', 'tftp']" ]
	sed -i 's/ftp, http/http, tcp\/21/' "$WORK/policy.fwc"
	run fwc diff "$WORK/policy.fwc"
	[ "$status" = 1 ]
	[[ $output == *"- "*"ct helper helper-ftp-tcp"* ]]
	fwc compile "$WORK/policy.fwc" && fwc apply
	[ "$(objects)" = helper-tftp-udp ]
	fwc rollback
	[ "$(objects)" = "helper-ftp-tcp helper-tftp-udp" ]
	inns nft flush chain inet fwc "$(inns nft list chains | sed -n 's/^	chain \(rule\.[0-9a-f]*\) .*/\1/p' | head -n 1)"
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *DIFFERS*"ct helper"* ]]
	fwc stop
}

@test "a helper that the kernel lacks is left out, and said" {
	FWC_FAULT=helper run fwc compile "$WORK/policy.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:4:18: warning: this kernel has no connection helper 'ftp'"*"modprobe nf_conntrack_ftp"* ]]
	[[ $output == *"policy.fwc:5:34: warning: this kernel has no connection helper 'tftp'"* ]]
	fwc apply
	[ "$(objects)" = "" ]
	inns nft list table inet fwc >"$WORK/listing"
	grep 'tcp dport { 21, 80 }' "$WORK/listing"
	[ "$(grep -c 'ct helper' "$WORK/listing")" = 0 ]
	fwc status >"$WORK/status"
	grep 'policy.fwc:4: helper ftp is left out: the kernel had no nf_conntrack_ftp' "$WORK/status"
	[ "$(fwc --json status | json '[x["text"] for x in d["left_out"]]')" = "['helper ftp', 'helper tftp']" ]
	# elsewhere it is not asked
	FWC_FAULT=helper run fwc compile --elsewhere "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output != *'no connection helper'* ]]
}

# The script asks for a helper that there is in no kernel, under a name as long as that of FTP's.
without_ftp() { # ARTEFACT
	/usr/bin/python3 - "$1" <<-'P'
		import hashlib, json, sys
		script, manifest = (sys.argv[1] + f for f in ("/ruleset.nft", "/manifest.json"))
		text = open(script, "rb").read().replace(b'type "ftp" protocol', b'type "pft" protocol')
		open(script, "wb").write(text)
		head = json.load(open(manifest))
		head["script"]["sha256"] = hashlib.sha256(text).hexdigest()
		del head["seal"]
		head.pop("held", None)
		json.dump(head, open(manifest, "w"))
	P
}

@test "a helper that the kernel lacks at boot costs the helper alone" {
	fwc compile "$WORK/policy.fwc" && fwc apply
	without_ftp "$WORK/state/applied"
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"NOT ALL RULES"*"policy.fwc:4: "*"helper ftp"* ]]
	[ "$(objects)" = helper-tftp-udp ]
	inns nft list table inet fwc >"$WORK/listing"
	grep 'policy drop' "$WORK/listing"
	grep 'tcp dport { 21, 80 }' "$WORK/listing"
	grep 'not loaded: allow lan -> wan ftp, http' "$WORK/listing"
	[ "$(fwc --json boot | json '[d["outcome"], d["left_out"][0]["needs"]]')" = "['partly', 'helper ftp']" ]
	run fwc status
	[[ $output == *"BOOT "*"not as written: "*"policy.fwc:4: "*"helper ftp"* ]]
}
