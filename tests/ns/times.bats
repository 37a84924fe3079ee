#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hours, days, after, until: by the kernel's clock, so windows are around now; and one that ends while
# a connection runs. Local time is what TZ says, far from UTC.

load ../lab/lab
load ../lab/watch

# A window around now of `date`, with room for a slow machine on both sides: over midnight too.
around() {
	TZ=$1 date -d "@$(($(date +%s) - 7200))" +%H:%M | tr '\n' -
	TZ=$1 date -d "@$(($(date +%s) + 7200))" +%H:%M
}

beside() { # the rest of the day
	TZ=$1 date -d "@$(($(date +%s) + 7200))" +%H:%M | tr '\n' -
	TZ=$1 date -d "@$(($(date +%s) - 7200))" +%H:%M
}

day() { # of local time, so many days from now
	TZ=$ZONE date -d "@$(($(date +%s) + $1 * 86400))" +"$2" | tr '[:upper:]' '[:lower:]'
}

setup_file() {
	# thirteen hours ahead, by half an hour more in summer: needs no file
	export ZONE='<+13>-13<+1330>-13:30,M3.5.0,M10.5.0'
	lab_begin
	lab_firewall router
	lab_host web server
	lab_cable router:eth1 server:eth0
	lab_cable router:lan0 web:eth0
	lab_addr router eth1 203.0.113.2/24 2001:db8::2/64
	lab_addr server eth0 203.0.113.1/24 2001:db8::1/64
	lab_addr router lan0 192.168.1.1/24 fd00:17::1/64
	lab_addr web eth0 192.168.1.2/24 fd00:17::2/64
	lab_alias router.out router 203.0.113.2 2001:db8::2
	lab_route web default via 192.168.1.1
	lab_route web default via fd00:17::1
	lab_route server 192.168.1.0/24 via 203.0.113.2
	lab_route server fd00:17::/64 via 2001:db8::2
	# once: the minute may end while this is written
	local now
	now=$(around "$ZONE")
	cat >"$LAB_DIR/p.fwc" <<-END
		forwarding on
		zone lan { interface lan0; network 192.168.1.0/24, fd00:17::/64 }
		zone wan { interface eth1 }
		allow lan -> wan tcp/1000 hours $now
		allow lan -> wan tcp/1001 hours $(beside "$ZONE")
		allow lan -> wan tcp/1002 hours $(around UTC)
		allow lan -> wan tcp/1003 days mon-sun hours 00:00-24:00
		allow lan -> wan tcp/1004 days $(day 3 %a)
		allow lan -> wan tcp/1005 until $(day 2 %Y-%m-%d)
		allow lan -> wan tcp/1006 until $(day -2 %Y-%m-%d)
		allow lan -> wan tcp/1007 after $(day -2 %Y-%m-%d)
		allow lan -> wan tcp/1008 after $(day 2 %Y-%m-%d)
		reject lan -> wan tcp/1009 hours $now
		allow lan -> wan tcp/1009
		reject lan -> wan tcp/1010 hours $(beside "$ZONE")
		allow lan -> wan tcp/1010
		dnat wan -> self tcp/1100 hours $now to 192.168.1.2:1000 allow
		dnat wan -> self tcp/1101 hours $(beside "$ZONE") to 192.168.1.2:1000 allow
		dnat wan -> self tcp/1200 to 192.168.1.2:1001
		dnat wan -> self tcp/1201 to 192.168.1.2:1001
		allow wan -> lan published tcp/1200 hours $now
		allow wan -> lan published tcp/1201 hours $(beside "$ZONE")
		mark lan -> any tcp/1102 hours $now as 5
		mark lan -> any tcp/1103 hours $(beside "$ZONE") as 5
		allow lan -> wan tcp/1102, 1103 mark 5
		expect allow lan -> wan tcp/1000 hours $now
	END
	TZ=$ZONE lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

@test "times: of the zone, whatever UTC says; days, dates; translations and marks" {
	lab_flows <<-'END'
		web -> server tcp/1000 : passes
		web -> server tcp/1001 : dropped
		web -> server tcp/1002 : dropped
		web -> server tcp/1003 : passes
		web -> server tcp/1004 : dropped
		web -> server tcp/1005 : passes
		web -> server tcp/1006 : dropped
		web -> server tcp/1007 : passes
		web -> server tcp/1008 : dropped
		web -> server tcp/1009 : reset
		web -> server tcp/1010 : passes
		web -> server tcp/1102 : passes
		web -> server tcp/1103 : dropped
	END
	lab_flows <<-'END'
		v4 server -> router.out tcp/1100 : passes at web:1000
		v4 server -> router.out tcp/1101 : dropped
		v4 server -> router.out tcp/1200 : passes at web:1001
		v4 server -> router.out tcp/1201 : dropped
	END
}

# The next whole minute is nobody's to wait for: the same rules are compiled as at a minute before it,
# so that a window of them ends some seconds from now.
@test "times: a window ends; what runs goes on, what begins is dropped" {
	local end shift zone
	end=$(($(date +%s) + 10))
	# local time of which the next minute begins just then: offsets of a zone have seconds
	shift=$(((60 - end % 60) % 60))
	zone="<XXX>-00:00:$(printf %02d "$shift")"
	cat >"$LAB_DIR/q.fwc" <<-END
		forwarding on
		zone lan { interface lan0 }
		zone wan { interface eth1 }
		allow lan -> wan tcp/1000, 2000 hours $(TZ=$zone date -d "@$((end - 3600))" +%H:%M)-$(TZ=$zone date -d "@$end" +%H:%M)
		allow lan -> wan tcp/1001 hours $(TZ=$zone date -d "@$end" +%H:%M)-$(TZ=$zone date -d "@$((end + 3600))" +%H:%M)
	END
	TZ=$zone lab_apply router "$LAB_DIR/q.fwc"
	[ "$(date +%s)" -lt $((end - 2)) ] || skip "this machine is too slow to see a window's last seconds"
	{ lab_talk web server 203.0.113.1 1000 && lab_talk web server 2001:db8::1 2000; } || [ "$(date +%s)" -ge "$end" ]
	if [ "$(date +%s)" -ge "$end" ]; then skip "this machine is too slow to see a window's last seconds"; fi
	sleep $((end + 1 - $(date +%s)))
	lab_goes_on 1000
	lab_goes_on 2000
	lab_flows <<-'END'
		v4 web -> server tcp/2000 : dropped
		v4 web -> server tcp/1001 : passes
	END
	# who wants it to end forgets it
	lab_in router conntrack -D -s 192.168.1.2 >/dev/null 2>&1
	lab_stops 1000
	lab_goes_on 2000
	lab_in router conntrack -D -s fd00:17::/64 >/dev/null 2>&1
	lab_stops 2000
	# there is nothing more of them
	run lab_in router conntrack -D -s fd00:17::/64
	[ "$status" = 1 ]
}
