#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc.policy(5), TESTS: each feature names a test that is there.

load lib.bash

@test "the table of features: each row names a test that is there, by its file and title" {
	local line file title n=0 bad=0
	while read -r line; do
		file=${line%%: *}
		title=${line#"$file"}
		title=${title#: }
		n=$((n + 1))
		if [ ! -e "$top/$file" ]; then
			echo "there is no $file"
		elif [ -n "$title" ] && ! grep -qF -- "@test \"$title\" {" "$top/$file"; then
			echo "$file has no test \"$title\""
		else
			continue
		fi
		bad=$((bad + 1))
	done < <(sed -n '/^\.Sh TESTS/,/^\.Sh SEE/s/^    //p' "$top/man/fwc.policy.5")
	echo "$n rows, $bad bad"
	[ "$n" -ge 50 ]
	[ "$bad" = 0 ]
}

@test "each statement and word of the summary has a row, and three errors or more that are shown" {
	/usr/bin/python3 - "$top" <<-'END'
		import glob, os, re, sys
		top = sys.argv[1]
		with open(top + "/man/fwc.policy.5", encoding="utf-8") as f:
		    page = f.read()
		summary = page[page.index(".Sh 19. SUMMARY"):page.index(".Sh 20.")]
		shown, rest = summary.split("\nCHOICE ", 1)
		words = set(re.findall(r"^([a-z][a-z-]*)", shown, re.M)) | {"disabled", "published"}
		for line in rest[rest.index("\nMATCH "):].split("\n"):
		    words |= set(re.findall(r"(?:^|\| )([a-z][a-z0-9]*)", line[12:]) if re.match(r"[A-Z ]", line) else [])
		words -= {"source"}
		rows = page[page.index(".Sh TESTS"):page.index(".Sh SEE ALSO")]
		heads = "\n".join(re.findall(r"^[^ .].*", rows, re.M))
		lines, seen = [], set()
		for err in glob.glob(top + "/tests/golden/errors/*.err") + glob.glob(top + "/tests/golden/mistakes/*.err"):
		    with open(err, encoding="utf-8", errors="replace") as f:
		        said = re.findall(r"^(\S+?):(\d+):\d+: error: ", f.read(), re.M)
		    for name, line in said:
		        path = os.path.join(os.path.dirname(err), name)
		        if (path, line) not in seen and os.path.exists(path):
		            seen.add((path, line))
		            with open(path, encoding="utf-8", errors="replace") as f:
		                lines += f.read().split("\n")[int(line) - 1:int(line)]
		bad = 0
		for word in sorted(words):
		    one = re.compile(r"(?<![\w-])%s(?![\w-])" % re.escape(word))
		    n = sum(bool(one.search(line)) for line in lines)
		    if not one.search(heads) or n < 3:
		        print("%s: %d errors, %s" % (word, n, "a row" if one.search(heads) else "no row"))
		        bad += 1
		print("%d words, %d bad" % (len(words), bad), sorted(words))
		sys.exit(bad > 0 or len(words) < 40)
	END
}
