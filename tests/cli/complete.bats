#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154,SC2016,SC2143 # bats and lib.bash set them; scripts for other shells
# Completion: what may follow, by fwc itself, and typed into real shells on a terminal; colours in a
# real Vim.

load lib.bash

setup() {
	cli_begin
	cd "$WORK" || return
	mkdir bin
	ln -s "$FWC" bin/fwc
	cat >p.fwc <<'END'
zone lan { interface eth0 }
zone wan { interface ppp0 }
host nas = 192.168.1.10
set banned = dynamic, timeout 1h
service shop = tcp/8443
inspector names { allow any }
include "more.fwc"
allow lan -> wan
END
	echo 'zone guests { interface eth2 }' >more.fwc
	chmod 644 p.fwc more.fwc
	unset SSH_CONNECTION
}
teardown() { cli_end; }

# The words that may follow, on one line
follows() { fwc complete -- --config "$WORK/p.fwc" "$@" | cut -f1 | paste -sd'|'; }

@test "every command, and every option of it that its help explains" {
	"$FWC" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands
	[ "$(wc -l <commands)" -gt 20 ]
	"$FWC" complete -- '' | cut -f1 | diff commands -
	while read -r command; do
		"$FWC" "$command" --help | sed -n 's/^  -/-/p' | sed 's/  .*//' | grep -oE -- '--[a-z-]+' |
			sort -u >explained
		[ "$(wc -l <explained)" -ge 8 ]
		"$FWC" complete -- "$command" - | cut -f1 | grep -oE -- '^--[a-z-]+' | sort -u >offered
		diff explained offered
	done <commands
}

@test "names of the policy, its includes too, where a question may have them" {
	[ "$(follows explain '')" = "lan -> |wan -> |nas -> |banned -> |guests -> |any -> |self -> " ]
	[ "$(follows explain 'lan -> w')" = "lan -> wan" ]
	[ "$(follows explain 'lan -> mul')" = "lan -> multicast" ]
	[ "$(follows explain 'lan, n')" = "lan, nas -> " ]
	[ "$(follows trace 'lan -> nas@')" = "lan -> nas@lan|lan -> nas@wan|lan -> nas@guests|lan -> nas@self" ]
	[ "$(follows explain 'lan -> wan sh')" = "lan -> wan shop" ]
	[ "$(follows explain 'lan -> wan https, http-')" = "lan -> wan https, http-alt" ]
	[ "$(follows explain 'lan -> wan' '')" = ":files" ]
	[ "$(follows flows g)" = "guests" ]
	[ "$(follows inspect '')" = "status|log|reload|replay" ]
	[ "$(follows inspect replay x.pcap --with '')" = "names" ]
	[ "$(follows set '')" = "list|add|delete|flush|test" ]
	[ "$(follows set add '')" = "banned" ]
	[ "$(follows set add banned 192.0.2.1 '')" = "for" ]
	# half written, as it is while it is edited
	echo 'zone dmz { interface' >>p.fwc
	echo 'allow lan - ' >>p.fwc
	[[ "$(follows explain 'l')" = "lan -> "* ]]
}

@test "values of options; files and directories are the shell's" {
	[ "$(follows compile --dump=i)" = "--dump=inspect|--dump=ir" ]
	[ "$(follows compile --dump=)" = "--dump=tokens|--dump=ast|--dump=policy|--dump=inspect|--dump=ir|--dump=nft" ]
	[ "$(follows --color '')" = "auto|always|never" ]
	[ "$(follows --color=a)" = "--color=auto|--color=always" ]
	[ "$(follows compile -o '')" = ":directories" ]
	[ "$(follows check '')" = ":files" ]
	[ "$(follows apply -m '')" = "" ]
	[ "$(follows help pan)" = "panic" ]
	[[ "|$(follows --netns '')|" = *"|$NS|"* ]]
	run "$FWC" complete
	[ "$status" = 2 ]
}

@test "generations, and what they are; nothing reaches the terminal raw" {
	echo 'allow any -> self ssh' | candidate
	fwc apply --no-confirm -m $'first \e[31m $(touch pwned)'
	run fwc complete -- --state "$WORK/state" rollback ''
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = 1$'\t'*'first \x1b[31m $(touch'* ]]
	[[ $output != *$'\e'* ]]
}

# ---- in a terminal: what is typed, and behind '=' what is to be seen then (complete.py) ----

begins() { # $1: its first line, which sets the prompt; $2: how it shows compile's option
	cat <<END
$1\\r
= READY> 
fwc app\\t
= fwc apply 
\\x15fwc compile --du\\t
= $2
n\\t
= nft
\\x15fwc --config $WORK/p.fwc explain \\t
END
}

in_terminal() { # SHELL...: with what is in the file typed
	command -v "$1" >/dev/null || skip "$1 is not installed"
	echo 'allow any -> self ssh' | candidate
	fwc apply --no-confirm -m '$(touch pwned) `touch pwned`' >/dev/null
	run env PATH="$WORK/bin:$PATH" HOME="$WORK" "$here/complete.py" "$@" <typed
	echo "$output"
	[ "$status" = 0 ]
	[ ! -e pwned ]
}

@test "bash: in a terminal" {
	begins "PS1=\"READY> \"; source $FWC_SRC/shell/fwc.bash; bind \"set bell-style none\"; bind \"set enable-bracketed-paste off\"; bind \"set completion-query-items 1000\"; bind \"set page-completions off\"; bind \"set show-all-if-ambiguous on\"" 'fwc compile --dump=' >first
	cat first - >typed <<END
= 'banned ->
\\x15fwc --config $WORK/p.fwc explain 'lan -> w\\t
= 'lan -> wan'
\\x15fwc --config $WORK/p.fwc explain n\\t
= 'nas -> 
w\\t
= wan'
\\x15fwc --config $WORK/p.fwc explain 'n\\t
= nas -> banned
\\x15fwc --config $WORK/p.fwc explain 'lan -> wan htt\\t
= http-alt
\\x15fwc --config $WORK/p.fwc inspect replay x --with n\\t
= names 
\\x15fwc compile --color=al\\t
= --color=always 
\\x15fwc check $WORK/mo\\t
= $WORK/more.fwc
\\x15fwc --state=$WORK/state rollback \\t
= rollback 1
END
	in_terminal bash --norc --noprofile -i
}

@test "zsh: in a terminal" {
	begins "PS1=\"READY> \"; fpath=($FWC_SRC/shell \$fpath); autoload -Uz compinit; compinit -u -d $WORK/zcompdump; unsetopt beep" 'fwc compile --dump=' >first
	cat first - >typed <<END
= banned
\\x15fwc --config $WORK/p.fwc explain 'lan -> w\\t
= lan -> wan
\\x15fwc --config $WORK/p.fwc explain n\\t
= nas\\ -\\>\\ 
\\x15fwc --config $WORK/p.fwc explain 'lan -> wan htt\\t\\t
= http-alt
\\x15fwc check $WORK/mo\\t
= more.fwc
\\x15fwc apply --\\t
= for good, over ssh too
\\x15fwc --state $WORK/state rollback \\t
= rollback 1
END
	in_terminal zsh -f -i
}

@test "fish: in a terminal" {
	begins "function fish_prompt; echo \"READY> \"; end; function fish_greeting; end; source $FWC_SRC/shell/fwc.fish" '--dump=' >first
	cat first - >typed <<END
= banned
\\x15fwc --config $WORK/p.fwc explain 'lan -> w\\t
= lan -> wan
\\x15fwc --config $WORK/p.fwc explain 'lan -> wan http-\\t
= http-alt
\\x15fwc check $WORK/mo\\t
= more.fwc
\\x15fwc apply --no\\t
= --no-confirm
\\x15fwc --state $WORK/state rollback \\t
= 1
END
	in_terminal fish --no-config -i
}

@test "Vim: policies have their type, and every word of the language a colour" {
	vim --version 2>/dev/null | grep -q '+syntax' || skip "no vim with +syntax is installed"
	mkdir -p rt/ftdetect rt/syntax
	cp "$FWC_SRC/vim/ftdetect.vim" rt/ftdetect/fwc.vim
	"$FWC_SRC/vim/words" "$FWC_SRC" >rt/syntax/fwc.vim
	# words: of the manual's summary that are no placeholders; services as explain offers them
	{
		sed -n '/^\.Sh 19\. SUMMARY/,/^\.Ed/p' "$FWC_SRC/man/fwc.policy.5" | sed '/^\./d; s/"[^"]*"//g; s/([^)]*)//g; s/^refused//' |
			grep -oE '(^|[ |,[])[a-z][a-z0-9.-]+' | grep -oE '[a-z][a-z0-9.-]+' | grep -vxE 'with|of|on-|v6|behind'
		"$FWC" complete -- explain 'any -> any ' | cut -f1 | sed 's/ $//; s/.* //'
	} | sort -u >words
	[ "$(wc -l <words)" -gt 150 ]
	sed 's/$/ x/' words >all.fwc
	cat >see.vim <<'END'
set nocompatible
syntax on
filetype on
edit all.fwc
let out = ["filetype " . &filetype]
for l in range(1, line("$"))
	let out += [synIDattr(synID(l, 1, 1), "name") . " " . matchstr(getline(l), '\S*')]
endfor
call writefile(out, "out")
edit p.fwc
call setline(1, ['allow 192.0.2.0/24@lan -> self tcp/22 # why', 'log "tag"', '2001:db8::/32', 'mylan'])
call writefile(map([[1,8],[1,24],[1,37],[1,42],[2,6],[3,1],[4,1]], 'synIDattr(synID(v:val[0], v:val[1], 1), "name")'), "places")
qall!
END
	vim -u NONE -i NONE -n -es --cmd "set rtp^=$WORK/rt" -S see.vim </dev/null
	[ "$(head -1 out)" = "filetype fwc" ]
	grep '^ ' out || true # words without a colour
	[ -z "$(grep '^ ' out)" ]
	grep -qx 'fwcVerb allow' out
	grep -qx 'fwcService https' out
	grep -qx 'fwcFact tls.ech' out
	grep -qx 'fwcConstant self' out
	[ "$(paste -sd' ' places)" = "fwcAddress fwcOperator fwcPort fwcComment fwcString fwcAddress " ]
}
