# SPDX-License-Identifier: GPL-2.0-or-later
# A machine with sets to fill, and another one that is its Internet: a name server, and web servers. The sets and
# what the rules in force say of them are made by hand, so that what is tested is refresh alone.

here=${BATS_TEST_FILENAME:-$0} # a process less than dirname(1), and each test reads this
here=$(cd "${here%/*}" && pwd)
FWC=${FWC:-$here/../../fwc}
FETCH=${FWC%/*}/fwc-fetch
export FETCH
. "$here/../lab/left.bash"

ME=198.51.100.1 THEY=198.51.100.2 # for documents (RFC 5737): nobody's, so they are not private either

fetch_begin() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	NS=fwcfetch$$x$RANDOM
	FAR=$NS-far
	WORK=$(mktemp -d)
	chmod 755 "$WORK"
	export NS FAR WORK
	ip netns add "$NS"
	ip netns add "$FAR"
	ip -n "$NS" link add out type veth peer name out netns "$FAR"
	ip -n "$NS" addr add $ME/24 dev out
	ip -n "$FAR" addr add $THEY/24 dev out
	for ns in "$NS" "$FAR"; do
		ip -n "$ns" link set lo up
		ip -n "$ns" link set out up
	done
	mkdir -p "/etc/netns/$NS/ssl/certs" "$WORK/www"
	chmod -R a+rX "/etc/netns/$NS"
	echo "nameserver $THEY" >"/etc/netns/$NS/resolv.conf"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=lists.example -addext \
		subjectAltName=DNS:lists.example,DNS:inside.example -keyout "$WORK/key" \
		-out "/etc/netns/$NS/ssl/certs/ca-certificates.crt" 2>/dev/null
	zone '"lists.example": {"A": ["'$THEY'"]}, "inside.example": {"A": ["127.0.0.1"]}'
	serve names "$here/names.py" $THEY "$WORK/zone" "$WORK/names.log"
	serve lists "$here/lists.py" $THEY 443 "$WORK/www" "$WORK/lists.log" \
		"/etc/netns/$NS/ssl/certs/ca-certificates.crt" "$WORK/key"
	serve plain "$here/lists.py" $THEY 80 "$WORK/www" "$WORK/plain.log"
	mkdir -p "$WORK/state/applied"
	chmod -R go-rwx "$WORK/state"
}

serve() { # name, command...; until it listens
	local name=$1
	shift
	: >"$WORK/$name.log"
	ip netns exec "$FAR" /usr/bin/python3 "$@" >"$WORK/$name.out" 2>&1 3>&- &
	for _ in $(seq 600); do
		! grep -q ready "$WORK/$name.log" || return 0
		sleep 0.05
	done
	cat "$WORK/$name.out"
	return 1
}

fetch_end() {
	end_left
	[ -z "${NS:-}" ] || ip netns del "$NS" 2>/dev/null || true
	[ -z "${FAR:-}" ] || ip netns del "$FAR" 2>/dev/null || true
	[ -z "${NS:-}" ] || rm -rf "/etc/netns/$NS"
	[ -z "${WORK:-}" ] || rm -rf "$WORK" "/run/fwc/public$WORK"
}

inns() { ip netns exec "$NS" "$@"; }
fwc() { inns "$FWC" --state "$WORK/state" --color=never "$@"; }
zone() { printf '{%s}\n' "$1" >"$WORK/zone.new" && mv "$WORK/zone.new" "$WORK/zone"; }
asked() { grep -c "$1" "$WORK/${2:-names}.log" || true; }

# Sets of the kernel, and what the rules in force say of them; each argument is a JSON object with a name. Hash sets
# by default, type parts: one of addresses and one of networks, as lists have; nothing is known of them.
sets() {
	rm -rf "$WORK/state/fetched"
	/usr/bin/python3 - "$WORK/state/applied/runtime.json" "$@" <<-'END' | inns nft -f -
	import json, sys
	rows = [json.loads(s) for s in sys.argv[2:]]
	print("table inet fwc\ndelete table inet fwc\ntable inet fwc {")
	for row in rows:
	    row.setdefault("line", "policy.fwc:1")
	    row.setdefault("type", "hash")
	    row.setdefault("size", 20000)
	    parts = row["type"] == "parts"
	    row["type"] = "interval" if parts else row["type"]
	    row["sets"] = {"v4": row["name"] + ".v4", "v6": row["name"] + ".v6"}
	    size = 2 * row["size"] + 2 if row["type"] == "interval" else row["size"]
	    flags = "flags interval;" if row["type"] == "interval" else ""
	    for family in "4", "6":
	        print(f'set {row["name"]}.v{family} {{ type ipv{family}_addr; size {size}; {flags} }}')
	        if parts:
	            row["sets"]["alone" + family] = f'{row["name"]}.v{family}.addr'
	            print(f'set {row["name"]}.v{family}.addr {{ type ipv{family}_addr; }}')
	print("}")
	json.dump({"format": 1, "sets": rows}, open(sys.argv[1], "w"))
	END
}

# Of the sets that nft lists as JSON, the elements of each as nft writes them.
LISTED='
def text(e):
    if not isinstance(e, dict):
        return e
    return "%s/%s" % (e["prefix"]["addr"], e["prefix"]["len"]) if "prefix" in e else "-".join(e["range"])
there = {x["set"]["name"]: sorted(map(text, x["set"].get("elem", []))) for x in d["nftables"] if "set" in x}'
# What a set holds, an element a line, sorted.
held() {
	inns nft -j list set inet fwc "$1" | "$here/../lab/document" "$LISTED
for elements in there.values():
    for e in elements:
        print(e)"
}
# Each of these sets holds just that.
holds() { # set, elements... [-- set, elements...]
	local what=(set inet fwc "$1")
	[[ " $* " != *" -- "* ]] || what=(table inet fwc)
	inns nft -j list "${what[@]}" | "$here/../lab/document" "$LISTED"'
wanted = [group.split("\n") for group in "\n".join(sys.argv[1:]).split("\n--\n")]
wrong = [(name, there.get(name)) for name, *elements in wanted if there.get(name) != sorted(filter(None, elements))]
for name, elements in wrong:
    print(name, "holds", elements)
sys.exit(bool(wrong))' "$@"
}
kept() { "$here/../lab/document" "print(($2))" <"$WORK/state/fetched/$1.json"; }
# As if so many seconds had passed.
later() {
	/usr/bin/python3 - "$WORK/state/fetched/$1.json" "$2" <<-'END'
	import json, sys
	d = json.load(open(sys.argv[1]))
	for x in [d] + d["names"]:
	    for key in "fetched", "next", "stale", "asked", "until":
	        if key in x:
	            x[key] -= int(sys.argv[2])
	json.dump(d, open(sys.argv[1], "w"))
	END
}
