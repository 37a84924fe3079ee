# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion for bash: how a line may go on `fwc complete` knows. Nothing that it says is evaluated.
_fwc()
{
	local rest=${COMP_LINE:0:COMP_POINT} program=fwc quote='' word gap i line
	local words=() closed=() open=()

	# COMP_WORDS is taken apart at '=' and '>' as well
	for ((i = 0; i <= COMP_CWORD; i++)); do
		gap=${rest%%[![:blank:]]*}
		rest=${rest#"$gap"}
		word=${COMP_WORDS[i]}
		word=${word:0:${#rest}}
		rest=${rest:${#word}}
		if [ "$i" = 0 ] || [ -n "$gap" ]; then words+=("$word"); else words[-1]+=$word; fi
	done
	[[ ${words[0]} != */* || ! -x ${words[0]} ]] || program=${words[0]}
	[[ ${words[-1]} != [\'\"]* ]] || quote=${words[-1]:0:1}
	for i in "${!words[@]}"; do
		word=${words[i]}
		case $word in
		\'* | \"*) word=${word#?} word=${word%[\'\"]} ;;
		*) word=${word//\\/} ;;
		esac
		words[i]=$word
	done

	while IFS= read -r line; do
		case $line in
		:files) compopt -o default ;;
		:directories) compopt -o dirnames ;;
		*)
			word=${line%%$'\t'*}
			# what is quoted is quoted from its beginning; else a word begins behind '='
			if [ -z "$quote" ] && [[ $word == *' '* ]]; then
				word=\'$word
			elif [ -z "$quote" ] && [[ ${words[-1]} == *=* ]]; then
				word=${word#"${words[-1]%%=*}="}
			fi
			case $word in *[\ =]) open+=("$word") ;; *) closed+=("$word") ;; esac
			;;
		esac
	done < <("$program" complete -- "${words[@]:1}" 2>/dev/null)
	# readline would end the quotes behind a single one
	if [ -n "$quote" ] && [ ${#open[@]} = 1 ] && [ ${#closed[@]} = 0 ] && [[ ${open[0]} == *' ' ]]; then
		words[-1]=${open[0]}
		mapfile -t closed < <("$program" complete -- "${words[@]:1}" 2>/dev/null)
		closed=("${closed[@]%%$'\t'*}") open=()
	fi
	[ ${#open[@]} = 0 ] || compopt -o nospace
	[ -z "$quote" ] || compopt -o nospace
	COMPREPLY=("${closed[@]}" "${open[@]}")
}
complete -F _fwc fwc
