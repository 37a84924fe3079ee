#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# fwc boot: what was confirmed last, as it was; a damaged store; a kernel that lacks something; and the
# rescue policy where nothing may be loaded. Real reboots: tests/vm.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SSH_CONNECTION=
	ns=fwc-boot-$BATS_TEST_NUMBER-$$
	etc=$BATS_TEST_TMPDIR/etc
	state=$BATS_TEST_TMPDIR/state
	mkdir -m 755 "$etc"
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$ns" link add name eth0 type veth peer name peer netns "$ns"
	ip netns add "$ns-peer"
	ip -n "$ns" link set peer netns "$ns-peer"
	ip -n "$ns" addr add 10.9.0.1/24 dev eth0
	ip -n "$ns" addr add fd09::1/64 dev eth0 nodad
	ip -n "$ns" link set eth0 up
	ip -n "$ns-peer" addr add 10.9.0.2/24 dev peer
	ip -n "$ns-peer" addr add fd09::2/64 dev peer nodad
	ip -n "$ns-peer" link set peer up
	cat >p.fwc <<-'P'
		zone lan { interface eth0 }
		allow lan -> self tcp/8022, ping
		allow self -> any
	P
}

teardown() {
	pkill -9 -f "fwc.*--netns $ns " || true
	umount "$state" 2>/dev/null || true
	ip netns pids "$ns" | xargs -r kill -9
	ip netns del "$ns"
	ip netns del "$ns-peer"
}

f() { "$FWC" --netns "$ns" --state "$state" --config "$etc/firewall.fwc" "$@"; }
inns() { ip netns exec "$ns" "$@"; }
listing() { inns nft -a list table inet fwc | sed -E 's/ packets [0-9]+ bytes [0-9]+//; s/ # handle [0-9]+//'; }
power_off() { inns nft flush ruleset; } # what a reboot leaves of nftables

confirmed() { # a policy is in force, and the machine is off
	f compile p.fwc
	f apply
	listing >before.nft
	power_off
}

# seconds port[/6]...: of each "open", "refused" (by a reset) or "silent", from the neighbour, by one process for all
knock() {
	ip netns exec "$ns-peer" /usr/bin/python3 -IS - "$@" <<-'P'
		import _socket as socket, errno, select, sys, time
		end, fates, knocks = time.monotonic() + float(sys.argv[1]), {}, []
		for n, (port, *v6) in enumerate(x.split("/") for x in sys.argv[2:]):
		    knocks.append(socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM))
		    knocks[n].setblocking(False)
		    error = knocks[n].connect_ex(("fd09::1" if v6 else "10.9.0.1", int(port)))
		    if error not in (0, errno.EINPROGRESS):
		        fates[n] = "silent"
		while len(fates) < len(knocks) and time.monotonic() < end:
		    left = [s for n, s in enumerate(knocks) if n not in fates]
		    answered = select.select([], left, [], max(0, end - time.monotonic()))[1]
		    for n, s in enumerate(knocks):
		        if s in answered:
		            error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
		            fates[n] = {0: "open", errno.ECONNREFUSED: "refused"}.get(error, "silent")
		print(*(fates.get(n, "silent") for n in range(len(knocks))))
	P
}
# Nobody listens: what gets through is answered with a reset.
reaches() { [ "$(knock 20 "$1${2:+/$2}")" = refused ]; }
is_dropped() { [ "$(knock 0.4 "$1${2:+/$2}")" = silent ]; }

blocked() { # nothing but loopback; said, on status too
	[ "$(knock 0.4 8022 22 22/6)" = "silent silent silent" ]
	inns ping -c1 -W1 127.0.0.1 >/dev/null
	[ "$(inns ping -c1 -W1 10.9.0.2 >/dev/null && echo answered)" = "" ]
	run f status
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"BOOT "*"BLOCKED"* ]]
}

@test "what was confirmed last is loaded as it was, without the policy and without its interfaces" {
	confirmed
	rm p.fwc
	ip -n "$ns" link set eth0 name later0
	run f boot
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	listing | diff before.nft -
	ip -n "$ns" link set later0 down
	ip -n "$ns" link set later0 name eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns" addr add fd09::1/64 dev eth0 nodad 2>/dev/null || true
	reaches 8022
	is_dropped 22
	run f status
	[ "$status" = 0 ]
	[ "$(f --json history | json 'len(d)')" = 1 ]
	run f boot # again, when all is there
	[ "$status" = 0 ]
	listing | diff before.nft -
}

@test "neither a candidate nor a trial boots" {
	confirmed
	f boot
	echo 'allow any -> any' >open.fwc
	f compile open.fwc
	f apply --confirm=60
	is_dropped 8022 || reaches 23
	pkill -9 -f "fwc.*--netns $ns " || true # the guard
	sed -i -E 's/("boot": *")[^"]*/\1another/' state/trial.json
	power_off
	run f boot
	echo "$output"
	[ "$status" = 0 ]
	listing | diff before.nft -
	is_dropped 23
	[ ! -e state/trial.json ]
	[ ! -e state/pending ]
}

@test "after a stop, and a reboot, the last confirmed rules are there again" {
	confirmed
	f boot
	f stop
	power_off
	run f boot
	echo "$output"
	[ "$status" = 0 ]
	listing | diff before.nft -
}

damaged() { # a command that damages the artefact it is run in; everything is said, and the copy in the history is used
	local how=$1
	confirmed
	cp -a state sound
	(cd state/applied && eval "$how")
	run f boot
	echo "$how: $output"
	[ "$status" = 1 ]
	[[ $output = *"generation 1 of the history is loaded instead"* ]]
	listing | diff before.nft -
	run f status
	[ "$status" = 1 ]
	[[ $output = *"BOOT "*"loaded with problems"* ]]
	# the copy as well
	power_off
	rm -rf state
	cp -a sound state
	(cd state/applied && eval "$how")
	(cd state/generation.1 && eval "$how")
	run f boot
	echo "$how: $output"
	[ "$status" = 3 ]
	[[ $output = *"BLOCKED"* ]]
	blocked
}
@test "a script cut short: the copy, else blocked" { damaged 'truncate -s -10 ruleset.nft'; }
@test "an empty script" { damaged ': >ruleset.nft'; }
@test "a script with one byte changed" { damaged 'sed -i "s/accept/accepT/;t" ruleset.nft'; }
@test "a manifest cut short" { damaged 'truncate -s 700 manifest.json'; }
@test "an index cut short" { damaged 'truncate -s -10 ruleset.index'; }
@test "a manifest that is gone" { damaged 'rm manifest.json'; }
@test "a manifest of another format" { damaged 'sed -i "s/\"format\": 2/\"format\": 7/" manifest.json'; }
@test "foreign JSON" { damaged 'echo "{\"tables\": []}" >manifest.json'; }
@test "a directory in place of the artefact's file" { damaged 'rm ruleset.nft; mkdir ruleset.nft'; }
@test "an artefact that others may write" { damaged 'chmod 666 ruleset.nft'; }
@test "a symbolic link" { damaged 'mv ruleset.nft ../x; ln -s ../x ruleset.nft'; }

@test "nothing has ever been applied: blocked, until a policy is applied" {
	run f boot
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"BLOCKED"*"nothing has ever been applied"* ]]
	blocked
	f compile p.fwc
	f apply
	reaches 8022
	run f status
	[ "$status" = 0 ]
	[[ $output != *BOOT* ]]
}

@test "boot.conf names who may come by ssh" {
	cat >"$etc/boot.conf" <<-'C'
		# the office
		ssh-from 10.9.0.0/24, fd09::2
		ssh-port 2022	# not 22
	C
	run f boot
	[ "$status" = 3 ]
	reaches 2022
	reaches 2022 6
	is_dropped 22
	ip -n "$ns-peer" addr del fd09::2/64 dev peer
	ip -n "$ns-peer" addr add fd09::3/64 dev peer nodad
	is_dropped 2022 6
}

@test "a boot.conf that is broken, or that others may write, opens nothing" {
	local bad
	for bad in 'ssh-from' 'ssh-from 10.9.0.0/99' 'ssh-from any' 'ssh-port 0' 'ssh-port 22x' 'allow any -> any' \
		'ssh-from 10.9.0.0/24 -> self'; do
		printf 'ssh-from 10.9.0.0/24\n%s\n' "$bad" >"$etc/boot.conf"
		run f boot
		echo "$bad: $output"
		[ "$status" = 3 ]
		[[ $output = *"boot.conf:2"* ]]
		is_dropped 22
		power_off
	done
	echo 'ssh-from 10.9.0.0/24' >"$etc/boot.conf"
	chmod 666 "$etc/boot.conf"
	run f boot
	[[ $output = *"can be written by others than its owner"*"chmod go-w"*"boot.conf is not used"* ]]
	is_dropped 22
}

@test "boot.conf: a network with host bits is masked, and that is said; /0 by a slip is not used" {
	printf 'ssh-from 10.9.0.77/24, 10.8.0.1/0\n' >"$etc/boot.conf"
	run f boot
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"boot.conf:1: 10.9.0.77/24 is taken as 10.9.0.0/24"* ]]
	[[ $output = *"boot.conf:1: 10.8.0.1/0 is not used: a /0 is everybody"* ]]
	blocked_but_ssh
	ip -n "$ns-peer" addr del 10.9.0.2/24 dev peer
	ip -n "$ns-peer" addr add 10.8.0.2/24 dev peer
	ip -n "$ns-peer" route add 10.9.0.0/24 dev peer
	ip -n "$ns" route add 10.8.0.0/24 dev eth0
	is_dropped 22
}

blocked_but_ssh() { reaches 22 && [ "$(knock 0.4 8022 22/6)" = "silent silent" ]; }

@test "boot.conf as root's symbolic link is read, as policies are; in a directory that others may write it is not" {
	mkdir -m 755 store
	echo 'ssh-from 10.9.0.0/24' >store/boot.conf
	ln -s "$PWD/store/boot.conf" "$etc/boot.conf"
	run f boot
	echo "$output"
	[[ $output != *"boot.conf"*"is not used"* ]]
	blocked_but_ssh
	power_off
	chmod 777 store
	run f boot
	echo "$output"
	[[ $output = *"directory $PWD/store can be written by others"*"boot.conf is not used"* ]]
	blocked
}

@test "boot.conf: a file that is none gets its word" {
	mkfifo "$etc/boot.conf"
	run f boot
	[[ $output = *"boot.conf is not a regular file"* ]]
	rm "$etc/boot.conf"
	mkdir "$etc/boot.conf"
	power_off
	run f boot
	[[ $output = *"boot.conf is a directory"* ]]
	rmdir "$etc/boot.conf"
	printf 'ssh-from 10.9.0.0/24\n\0allow\n' >"$etc/boot.conf"
	power_off
	run f boot
	echo "$output"
	[[ $output = *"boot.conf:2: there is a NUL byte in this line"* ]]
	is_dropped 22
}

@test "boot.conf with more networks than can be used: the first are, said, and in no time" {
	/usr/bin/python3 -c 'for n in range(60000): print("ssh-from 10.%d.%d.0/24" % (n // 250 + 9, n % 250))' >"$etc/boot.conf"
	run timeout 20 "$FWC" --netns "$ns" --state "$state" --config "$etc/firewall.fwc" boot
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"too many networks: the first 256 are used, 59744 are not"* ]]
	blocked_but_ssh
}

# Built with fault injection only.
@test "what dies while it loads: another shuts, as boot.conf says; and if that dies, too, the hooks alone" {
	confirmed
	echo 'ssh-from 10.9.0.0/24' >"$etc/boot.conf"
	FWC_FAULT=boot-opened run f boot
	echo "$output"
	[ "$status" != 0 ] || skip "built without fault injection"
	[ "$status" = 3 ]
	[[ $output = *"BLOCKED"*"loading was killed by signal 9"* ]]
	blocked_but_ssh
	run f status
	[[ $output = *"BOOT "*"BLOCKED"* ]]
	power_off
	FWC_FAULT=boot-opened,boot-again run f boot
	echo "$output"
	[ "$status" = 3 ]
	is_dropped 22
	is_dropped 8022
	run f boot # then the rules that are on record take over
	echo "$output"
	[ "$status" = 0 ]
	reaches 8022
	is_dropped 22
	power_off
	FWC_FAULT=boot-opened,rescue run f boot # the constant: loopback lives
	echo "$output"
	blocked_but_ssh || blocked
	f apply --no-confirm 2>/dev/null || f boot
	reaches 8022
}

@test "rules in force stay where nothing better can be loaded" {
	f compile p.fwc
	f apply
	listing >before.nft
	rm -r state/applied state/generation.1
	run f boot
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"in force stay"* ]]
	listing | diff before.nft -
}

@test "neither files of lists nor users are asked for: they are in what was compiled" {
	seq -f '198.51.100.%g' 1 2 250 >bad.txt
	seq 0 9999 | awk '{ printf "203.%d.%d.%d\n", $1 / 4096, $1 / 16 % 256, $1 % 16 * 2 }' >long.txt
	cat >p.fwc <<-'P'
		zone lan { interface eth0 }
		set bad = file "bad.txt"
		set long = file "long.txt"
		drop bad@lan, long@lan -> self
		allow lan -> self tcp/8022, ping
		allow self -> any user games
		allow self -> any udp group games
	P
	confirmed
	rm p.fwc bad.txt long.txt
	grep -v ^games: /etc/passwd >passwd
	grep -v ^games: /etc/group >group
	# shellcheck disable=SC2016 # the inner shell's
	run unshare -m sh -ec 'mount --bind passwd /etc/passwd; mount --bind group /etc/group
		! getent passwd games >/dev/null; exec "$@"' - "$FWC" --netns "$ns" --state "$state" boot
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	listing | diff before.nft -
	reaches 8022
}

@test "a read-only state directory keeps nothing from being loaded" {
	mkdir -m 700 "$state"
	mount -t tmpfs -o size=2m,mode=700 none "$state"
	confirmed
	mount -o remount,ro "$state"
	run f boot
	echo "$output"
	[ "$status" = 0 ]
	listing | diff before.nft -
}

@test "without the queue, connections to be inspected are dropped, and all else is as written" {
	cat >i.fwc <<-'P'
		zone lan { interface eth0 }
		inspect lan -> self tcp/8443 with i
		allow   lan -> self tcp/8000-8999
		inspector i { deny sni "*.example"; on-no-helper allow; allow any }
	P
	f compile --elsewhere i.fwc
	f apply && skip "this kernel has the queue"
	mkdir state/applied
	cp state/candidate/* state/applied/
	run f boot
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"NOT ALL RULES"*"i.fwc:2: "*"queue"* ]]
	reaches 8022
	is_dropped 8443
	is_dropped 22
	run f status
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"BOOT "*"not as written: i.fwc:2: "*"queue"* ]]
	[[ $output = *"fwc-inspectd IS NOT RUNNING"* ]]
	[[ $output = *"CANNOT HOLD what was applied: "*"i.fwc:2"* ]]
	[ "$(f --json boot | json '[d["outcome"], d["left_out"][0]["at"], d["left_out"][0]["needs"]]')" = \
		"['partly', 'i.fwc:2', 'queue']" ]
}

@test "a policy that does not compile leaves at boot what was confirmed" {
	confirmed
	echo 'allow lan - self' >broken.fwc
	run sh -c "'$FWC' --netns $ns --state '$state' compile broken.fwc && '$FWC' --netns $ns --state '$state' apply || '$FWC' --netns $ns --state '$state' boot"
	[ "$status" = 0 ]
	listing | diff before.nft -
}

# What stands in for a rule must let nothing pass that the rule would not: asked of the kernel's listing
# of both, by the comparison that `diff` makes. Where the kernel has no IPsec no packet came through it.
never_more() { # policy
	local word n
	rm -rf whole less* changes opened
	f compile "$1" -o whole 2>/dev/null || return 0 # not for this kernel
	for word in '' log nflog limit connlimit reject nat fib skuid ipsec time cgroup quota; do
		n=$(/usr/bin/python3 "$here/degraded.py" whole "less$word" $word)
		[ "$n" != 0 ] || continue
		f --json diff whole "less$word" >changes || [ $? = 1 ]
		json '[g for g in d["packets"]["groups"] if "IPsec" not in (g["packet"] or "") and
			(g["change"] == "newly allowed" or not d["packets"]["known"])]' \
			<changes >opened
		[ "$(<opened)" = "[]" ] || { echo "$1 without $word: $(<opened)"; return 1; }
		tried=$((tried + 1))
	done
}

@test "rules that stand in for others never let more pass" {
	local policy tried=0
	for policy in "$FWC_SRC"/rulesets/*.fwc "$FWC_SRC"/examples/*.fwc; do never_more "$policy"; done
	cat >all.fwc <<-'P'
		zone lan { interface eth0; network 10.9.0.0/24 }
		zone wan { interface eth1; antispoof }
		host web = 10.9.0.10
		drop   wan -> self   tcp/23    log "telnet"
		drop   wan -> self   tcp/25    limit 5/second
		reject wan -> lan    tcp/113
		allow  wan -> web@lan https    limit 10/second burst 20 per source
		allow  wan -> self   ping      limit 5/second log
		allow  lan -> wan              log
		reject lan -> self   tcp/1-100 log "low"
		set seen = dynamic, timeout 1h
		limit some = 10/minute
		log unmatched "rest" nflog 7
		allow  wan -> self   tcp/200   limit some else reject log "over" nflog 7
		drop   wan -> self   tcp/201   limit some log "in" else allow then add source to seen
		allow  wan -> self   tcp/202   max 9 connections per source limit some log "in"
		reject wan -> self   tcp/203   max 9 connections else allow
		drop   wan -> self   tcp/204   limit 5/minute max 9 connections log "both"
		allow  wan -> self   tcp/200-204 from port 1-9
		quota some-gb = 5 GB
		allow  wan -> self   tcp/210   hours 22:00-06:00 days fri
		drop   wan -> self   tcp/211-214 hours 08:00-18:00
		allow  wan -> self   tcp/211   after 2030-01-31
		allow  wan -> self   tcp/212   quota some-gb
		allow  self -> wan   tcp/213   cgroup "system.slice/mail.service"
		allow  lan -> any
		masquerade lan -> wan
		dnat   wan -> self tcp/443 to web
		clamp-mss any -> wan pmtu
	P
	never_more all.fwc
	cat >ipsec.fwc <<-'P'
		zone lan { interface eth0; network 10.9.0.0/24 }
		zone wan { interface eth1 }
		zone road { within wan; ipsec }
		zone mail { within self; user 8 }
		drop   mail -> wan   tcp/443
		allow  self -> wan   tcp/443
		allow  road -> lan   tcp/80
		drop   road -> self
		allow  wan -> self   tcp/22
		allow  wan but road -> lan tcp/81
		allow  lan -> wan
		masquerade lan -> wan but road
	P
	never_more ipsec.fwc
	echo "$tried artefacts compared"
	[ "$tried" -ge 12 ]
}

@test "a slip in the options of the boot script does not leave the host open" {
	confirmed
	run f boot --with-sate now
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"boot ignores '--with-sate'"*"boot ignores 'now'"* ]]
	diff before.nft <(listing)
	power_off
	run ip netns exec "$ns" "$FWC" --color=perhaps boot
	echo "$output"
	[ "$status" != 0 ]
	[[ $output == *"boot ignores these options"* ]]
	[[ $(inns nft list ruleset) == *"hook input"*"policy drop"* ]]
}
