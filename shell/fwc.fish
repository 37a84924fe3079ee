# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for fish: how a line may go on `fwc complete` knows.
function __fwc_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l word (string replace -r '^[\'"]' '' -- (commandline -ct))
    for line in ($program complete -- $words "$word" 2>/dev/null)
        set -l next (string split -m1 \t -- $line)
        switch $line
            case ':files'
                __fish_complete_path "$word"
            case ':directories'
                __fish_complete_directories "$word"
            case '* '\t'*' # fish ends every word with a blank: say what may follow
                $program complete -- $words "$next[1]" 2>/dev/null
            case '*'
                echo $line
        end
    end
end
complete -c fwc -f -a '(__fwc_complete)'
