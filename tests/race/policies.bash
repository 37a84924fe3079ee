# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
#
# policies.bash: the policies between which the race rig alternates.
#
#	race_kinds		the packets of the two streams, as `streams send` takes them
#	race_policy N		policy N, in fwc's language
#	race_long DIR N		policy N and its long lists, as files list-N.fwc and so on
#	race_fetched N		addresses of sets that refresh changes: SET SOURCE ADDRESS...
#	race_control N		the same meaning, by hand, in nft's, replaced in the usual way
#
# N changes what no packet of the streams meets: an element of each set, one rule of the list, one
# target of the translation. So each apply replaces every kind of object that decides their fate,
# and the two fates are the same under any N: allowed packets are let through by an interval set, a
# single address and port among many (a verdict map), a concatenation of networks and ports, and a
# translation; denied ones meet a drop of the same kinds or no rule at all.

RACE_TARGET=10.2.0.2
RACE_PORTS=(7000 7010 7020 7031 7050)

race_kinds() {
	if [ "${form:-}" = refresh ]; then
		cat <<-END
			allowed,10.1.0.5,$RACE_TARGET,7000
			allowed,10.1.3.9,$RACE_TARGET,7020
			denied,10.1.1.9,$RACE_TARGET,7020
			denied,10.1.2.2,$RACE_TARGET,7000
		END
		return
	fi
	if [ "${form:-}" = lists ]; then
		cat <<-END
			allowed,10.1.0.5,$RACE_TARGET,7000
			allowed,10.1.0.6,$RACE_TARGET,7000
			allowed,10.1.3.9,$RACE_TARGET,7020
			denied,10.1.0.7,$RACE_TARGET,7000
			denied,10.1.1.9,$RACE_TARGET,7020
			denied,10.1.1.10,$RACE_TARGET,7020
		END
		return
	fi
	cat <<-END
		allowed,10.1.0.5,$RACE_TARGET,7000
		allowed,10.1.2.1,$RACE_TARGET,7010
		allowed,10.1.3.9,$RACE_TARGET,7020
		allowed,10.1.4.9,10.1.255.1,7030
		denied,10.1.1.9,$RACE_TARGET,7000
		denied,10.1.2.2,$RACE_TARGET,7010
		denied,10.1.3.9,$RACE_TARGET,7050
		denied,10.1.9.9,$RACE_TARGET,7020
	END
}

race_policy() {
	local n=$1 i

	cat <<-END
		forwarding on
		zone inside  { interface in0 }
		zone outside { interface out0 }
		host target = $RACE_TARGET
		set friends = 10.1.0.0/25, 10.1.0.130-10.1.0.140, 10.77.$n.0/24
		set foes    = 10.1.1.0/24, 10.1.5.1-10.1.5.77, 10.78.$n.0/24
		set private = 10.1.4.0/24, 10.1.6.1-10.1.6.77, 10.79.$n.0/24

		drop  foes@inside    -> outside
		allow friends@inside -> outside  udp/7000-7009
	END
	for i in {1..200}; do
		echo "$( ((i % 2)) && echo allow || echo drop)  10.1.2.$i@inside -> target@outside  udp/7010"
	done
	cat <<-END
		allow 10.1.2.$((200 + n))@inside -> target@outside  udp/7010
		allow 10.1.3.0/24@inside  -> 10.2.0.0/16@outside  udp/7020-7029
		drop  10.1.3.0/24@inside  -> 10.2.0.0/16@outside  udp/7050-7059
		allow 10.79.$n.0/24@inside -> 10.3.0.0/16@outside  udp/7020-7029
		allow 10.1.4.0/24@inside  -> target@outside       udp/7031

		dnat inside -> 10.1.255.1  udp/7030  to target:7031
		dnat inside -> 10.1.254.$n udp/7030  to target:7031
		masquerade private@inside -> outside
	END
}

# One set lets in, the other, of ranges, drops; what packets meet is in both contents. Half of the rest is.
race_refreshed() {
	cat <<-END
		forwarding on
		zone inside  { interface in0 }
		zone outside { interface out0 }
		set friends = dns "friends.example" private
		set foes    = url "https://foes.example/list" private

		drop  foes@inside    -> outside
		allow friends@inside -> outside  udp/7000-7009
		allow inside         -> outside  udp/7020-7029
	END
}

# One list lets in, the other drops. 0 and 1 are 3 but for little, in which they differ; 2 is another
# list. In all of them but 3, which no packet meets, are 10.1.0.6 and 10.1.1.10, and not 10.1.0.7 and
# 10.1.3.9.
race_long() {
	local dir=$1 n=$2

	python3 -c "
import ipaddress, sys
dir, n = sys.argv[1], int(sys.argv[2])
for name, at, there, gone, come in (('friends', 0x0a4d0000, '10.1.0.5', '10.1.0.7', '10.1.0.6'),
                                    ('foes', 0x0a5d0000, '10.1.1.9', '10.1.3.9', '10.1.1.10')):
    first = 20000 if n == 2 else 0
    numbers = range(first, first + 100000)
    if n < 2:
        numbers = [i for i in numbers if i % 500 != n] + list(range(200000 + n, 200500, 2))
    elements = [str(ipaddress.ip_address(at + 3 * i)) for i in numbers]
    elements += [there, gone if n == 3 else come]
    open(f'{dir}/{name}-{n}.list', 'w').write('\n'.join(elements) + '\n')" "$dir" "$n"
	cat >"$dir/list-$n.fwc" <<-END
		forwarding on
		zone inside  { interface in0 }
		zone outside { interface out0 }
		set friends = file "friends-$n.list"
		set foes    = file "foes-$n.list"

		drop  foes@inside    -> outside
		allow friends@inside -> outside  udp/7000-7009
		allow inside         -> outside  udp/7020-7029
	END
}

race_fetched() {
	local n=$1 i

	echo "friends dns:friends.example 10.1.0.5 10.77.$n.1"
	for i in {1..250}; do echo "10.80.0.$i 10.8$n.1.$i"; done
	# the one that packets come from is in a network, or stands alone: then it is in another set
	set -- 10.1.1.0-10.1.1.255
	[ "$n" = 1 ] || set -- 10.1.1.0-10.1.1.6 10.1.1.9 10.1.1.12-10.1.1.255
	echo "foes https://foes.example/list $* 10.78.$n.0-10.78.$n.255"
	for i in {1..250}; do echo "10.90.$i.7-10.90.$i.99 10.9$n.$i.7-10.9$n.$i.99"; done
}

race_control() {
	local n=$1 i elements=""

	for i in {1..200}; do
		elements+="10.1.2.$i . $RACE_TARGET . 7010 : $( ((i % 2)) && echo accept || echo drop), "
	done
	cat <<-END
		add table inet fwc
		delete table inet fwc
		table inet fwc {
			set friends {
				type ipv4_addr; flags interval
				elements = { 10.1.0.0/25, 10.1.0.130-10.1.0.140, 10.77.$n.0/24 }
			}
			set foes {
				type ipv4_addr; flags interval
				elements = { 10.1.1.0/24, 10.1.5.1-10.1.5.77, 10.78.$n.0/24 }
			}
			set private {
				type ipv4_addr; flags interval
				elements = { 10.1.4.0/24, 10.1.6.1-10.1.6.77, 10.79.$n.0/24 }
			}
			map pairs {
				type ipv4_addr . ipv4_addr . inet_service : verdict; flags interval
				elements = { $elements
					10.1.2.$((200 + n)) . $RACE_TARGET . 7010 : accept,
					10.1.3.0/24 . 10.2.0.0/16 . 7020-7029 : accept,
					10.1.3.0/24 . 10.2.0.0/16 . 7050-7059 : drop,
					10.79.$n.0/24 . 10.3.0.0/16 . 7020-7029 : accept,
					10.1.4.0/24 . $RACE_TARGET . 7031 : accept }
			}
			chain input {
				type filter hook input priority 0; policy drop;
				ct state established,related accept
				iifname "lo" accept
			}
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state established,related accept
				ct state invalid drop
				iifname "in0" oifname "out0" jump inside-outside
			}
			chain inside-outside {
				ip saddr @foes drop
				ip saddr @friends udp dport 7000-7009 accept
				meta l4proto udp ip saddr . ip daddr . udp dport vmap @pairs
			}
			chain prerouting {
				type nat hook prerouting priority dstnat;
				iifname "in0" ip daddr 10.1.255.1 udp dport 7030 dnat ip to $RACE_TARGET:7031
				iifname "in0" ip daddr 10.1.254.$n udp dport 7030 dnat ip to $RACE_TARGET:7031
			}
			chain postrouting {
				type nat hook postrouting priority srcnat;
				oifname "out0" ip saddr @private masquerade
			}
		}
	END
}
