# foomuuri: zones, services at a rate for each address, an address translated.
# debian: trixie
# send: tcp/22,80,8080,8081 src=10.0.0.2
# send: icmp/8 src=10.0.0.2
# send: udp/67,53 src=10.0.0.2
# send: tcp/80,443,25 dst=10.0.1.9
# send: udp/53,54 dst=10.0.1.9
# send: tcp/80,81 from=eth1 src=10.0.1.2 dst=10.0.0.9
# send: tcp/22,8081 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/80 dst=10.0.0.9 from=wg0 src=10.8.0.2
# send: udp/9 state=established
# send: tcp/22,80 src=fd00:a::2
# send: tcp/443,25 src=fd00:a::2 dst=fd00:b::9
# send: icmpv6/128,135 src=fd00:a::2 ttl=255
# send: from=self dst=10.0.0.9,10.8.0.9 tcp/80
# unknown: limit
# unknown: set
cat >/etc/foomuuri/a.conf <<'EOF'
zone {
  localhost
  lan eth0
  wan eth1
}
foomuuri {
  log_rate "1/second burst 3"
}
lan-localhost {
  ssh
  ping saddr_rate "5/second burst 20"
  http saddr_rate "3/minute burst 10"
  tcp 8080 saddr 10.0.0.0/24
  drop log
}
localhost-lan {
  accept
}
lan-wan {
  http
  https
  domain
  reject log
}
wan-lan {
  tcp 80 daddr 10.0.0.9
  drop log
}
snat {
  saddr 10.0.0.0/24 oifname eth1 masquerade
}
dnat {
  iifname eth1 tcp 8081 dnat to 10.0.0.9:80
}
wan-localhost {
  ssh saddr_rate "3/minute burst 10"
  drop
}
localhost-wan {
  accept
}
EOF
foomuuri start
