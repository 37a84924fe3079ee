#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# examples/ansible as it is. Where ansible and sshd are installed (tests/run does not install them)
# it is played from one namespace on hosts in two others.

load lib.bash
load ../lab/lab

setup() {
	example=$BATS_TEST_TMPDIR/ansible
	cp -r "$top/examples/ansible" "$example"
	chmod -R u+w,go-w "$example"
	cd "$example" || return
}

teardown() {
	lab_end
}

needs() {
	local command
	for command; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

# A controller and web servers, with sshd.
make_lab() { # host...
	local host address=101
	needs ansible-playbook sshd ssh-keygen
	[ "$(id -u)" = 0 ] || skip "needs root"
	lab_begin
	lab_switch net
	lab_host controller
	lab_cable controller:eth0 net
	lab_addr controller eth0 192.0.2.1/24
	ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/key"
	ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/hostkey"
	for host; do
		mkdir "$LAB_DIR/$host"
		lab_firewall "$host"
		lab_cable "$host:eth0" net
		lab_addr "$host" eth0 192.0.2.$address/24
		# What root's shell does when it begins (minutes, if pyenv finds a lock) is not played.
		lab_in "$host" sh -c "mount -t tmpfs none /run && mkdir -m 755 /run/sshd &&
			if [ -e ~/.bashrc ]; then mount --bind /dev/null ~/.bashrc; fi &&
			exec $(command -v sshd) -D -e -f /dev/null -h '$LAB_DIR/hostkey' -o UsePAM=no \
			-o StrictModes=no -o 'AuthorizedKeysFile=$LAB_DIR/key.pub' \
			-o PermitRootLogin=yes -o 'Subsystem=sftp internal-sftp' -o PidFile='$LAB_DIR/$host.pid'" \
			>"$LAB_DIR/$host/sshd.log" 2>&1 3>&- &
		address=$((address + 1))
	done
	write_inventory
}

write_inventory() {
	cat >inventory.yml <<-END
		firewalls:
		  hosts:
		    web1: { ansible_host: 192.0.2.101 }
		    web2: { ansible_host: 192.0.2.102 }
		  vars:
		    fwc_policy: web
		    fwc_state: $LAB_DIR/{{ inventory_hostname }}/state
		    fwc_shipped: $LAB_DIR/{{ inventory_hostname }}/shipped
		    ansible_remote_tmp: $LAB_DIR/{{ inventory_hostname }}/tmp
		    ansible_user: root
		    ansible_python_interpreter: /usr/bin/python3
		    ansible_ssh_private_key_file: $LAB_DIR/key
		    ansible_ssh_common_args: >-
		      -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
	END
}

# Into a file: ssh keeps connections for a minute, and with them a pipe open that `run` reads.
play() { # arguments of ansible-playbook...
	status=0
	lab_in controller env ANSIBLE_HOME="$LAB_DIR/ansible" ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=1 \
		ANSIBLE_LOCAL_TEMP="$LAB_DIR/ansible" ANSIBLE_SSH_CONTROL_PATH_DIR="$LAB_DIR/cp" \
		ansible-playbook -i inventory.yml -e "fwc_command=$FWC" playbook.yml "$@" \
		>"$LAB_DIR/play" 2>&1 3>&- || status=$?
	output=$(<"$LAB_DIR/play")
	echo "$output"
}

recap() { # host, what its line must have...
	local line word
	line=$(sed -n '/^PLAY RECAP/,$p' <<<"$output" | grep "^$1 ")
	shift
	for word; do
		[[ $line == *" $word "* ]] || { echo "not in the recap: $word"; return 1; }
	done
}

on() { # host, arguments of fwc...
	local host=$1
	shift
	"$FWC" --netns "$LAB-$host" --state "$LAB_DIR/$host/state" "$@"
}

table() { lab_in "$1" nft list table inet fwc 2>/dev/null; }
open() { [ -z "$(table "$1")" ]; }
without_counts() { sed -E 's/packets [0-9]+ bytes [0-9]+//'; }

@test "examples/ansible: its policies compile, are proved, and their expectations hold" {
	local policy n=0
	for policy in policies/*.fwc; do
		run "$FWC" check "$policy"
		echo "$output"
		[ "$status" = 0 ]
		[ -z "$output" ]
		n=$((n + 1))
	done
	[ $n -ge 2 ]
}

@test "examples/ansible: what it has in YAML can be read, and names what is there" {
	/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed"
	/usr/bin/python3 - <<-'END'
		import os, re, yaml

		seen = 0
		for folder, _, files in os.walk("."):
		    for name in files:
		        if name.endswith(".yml"):
		            assert yaml.safe_load(open(os.path.join(folder, name))), name
		            seen += 1
		assert seen >= 6, seen
		defaults = yaml.safe_load(open("roles/fwc/defaults/main.yml"))
		tasks = "".join(open("roles/fwc/tasks/" + x).read() for x in os.listdir("roles/fwc/tasks"))
		made = set(re.findall(r"register: (\w+)", tasks)) | {"fwc_policy"}
		used = set(re.findall(r"\bfwc_\w+", tasks))
		assert used - made == set(defaults), used.symmetric_difference(made | set(defaults))
		for group in yaml.safe_load(open("inventory.yml"))["firewalls"]["children"].values():
		    assert os.path.exists("policies/%s.fwc" % group["vars"]["fwc_policy"])
	END
}

@test "examples/ansible: ansible finds no fault with the syntax" {
	needs ansible-playbook
	ANSIBLE_LOCAL_TEMP=$BATS_TEST_TMPDIR run ansible-playbook -i inventory.yml \
		--syntax-check playbook.yml
	echo "$output"
	[ "$status" = 0 ]
	[[ ${output,,} != *warning* ]]
}

@test "examples/ansible: check mode tells, a run applies and confirms, the next changes nothing" {
	make_lab web1
	play --limit localhost,web1 --check
	[ "$status" = 0 ]
	[[ $output == *"allow operators@net -> self ssh"* ]]
	open web1
	play --limit localhost,web1 -e fwc_trial=600
	[ "$status" = 0 ]
	recap web1 failed=0 unreachable=0
	table web1 >/dev/null
	on web1 history | grep 'by ansible'
	[ "$(stat -c %U:%a "$LAB_DIR/web1/shipped" "$LAB_DIR/web1/shipped/ruleset.nft" | xargs)" = \
		"root:700 root:600" ]
	play --limit localhost,web1
	[ "$status" = 0 ]
	recap web1 changed=0 failed=0
}

# The new rules let the controller in no more: that is refused; forced, the host cannot be reached.
@test "examples/ansible: a host that cannot be reached goes back by itself, the next is spared" {
	local host
	make_lab web1 web2
	"$FWC" compile policies/web.fwc -o "$LAB_DIR/artefact"
	for host in web1 web2; do
		on $host apply "$LAB_DIR/artefact"
	done
	table web1 >"$LAB_DIR/before"
	sed -i '/^expect/d; s/192\.0\.2\.0\/28/192.0.2.240\/28/' policies/web.fwc
	play
	[ "$status" != 0 ]
	[[ $output == *"apply would refuse this: these rules would cut you off"* ]]
	recap web1 failed=1
	play -e '{"fwc_apply_options": ["--force"], "fwc_trial": 30, "fwc_reach_within": 6}'
	[ "$status" != 0 ]
	[[ $output == *"web1 is back on the previous rules: under the new ones 'Call again' failed"* ]]
	recap web1 failed=1 rescued=1
	[[ $output != *"[web2]"* ]]
	diff <(table web1 | without_counts) <(without_counts <"$LAB_DIR/before")
}

@test "examples/ansible: a policy whose expectations do not hold goes nowhere" {
	make_lab web1
	echo 'expect allow net -> self ssh' >>policies/web.fwc
	play
	[ "$status" != 0 ]
	[[ $output == *"expectation fails"* ]]
	[[ $output != *"[web1]"* ]]
	open web1
}
