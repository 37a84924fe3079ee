# shorewall: two zones, a macro at a rate, an address translated, masquerading.
# debian: trixie
# send: tcp/22,25,80 src=10.0.0.2,10.0.0.66
# send: icmp/8 src=10.0.0.2
# send: tcp/80 dst=10.0.1.9 src=10.0.0.2,10.0.0.66
# send: tcp/8080,22 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: udp/500,501,68 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/80 from=eth1 src=10.0.1.2 dst=10.0.0.9
# send: tcp/1 from=wg0 src=10.8.0.2 dst=10.8.0.1
# send: tcp/1 flags=fin+syn
# send: tcp/22 flags=syn+rst
# send: udp/9 state=established
# send: tcp/80 from=self dst=10.0.0.9
# unknown: xt limit
cd /etc/shorewall
sed 's/^STARTUP_ENABLED=.*/STARTUP_ENABLED=Yes/;s/^FASTACCEPT=.*/FASTACCEPT=Yes/' -i shorewall.conf
cat >zones <<'EOF'
fw firewall
loc ipv4
net ipv4
EOF
cat >interfaces <<'EOF'
?FORMAT 2
loc eth0 tcpflags,nosmurfs,routefilter=0
net eth1 tcpflags,nosmurfs,dhcp
EOF
cat >policy <<'EOF'
loc net ACCEPT
fw all ACCEPT
net all DROP info
all all REJECT info
EOF
cat >rules <<'EOF'
?SECTION NEW
SSH(ACCEPT) loc fw
Ping(ACCEPT) loc fw
HTTP(ACCEPT) loc fw - - - - 5/min:10
DNAT net loc:10.0.0.9:80 tcp 8080
ACCEPT net fw udp 500,4500
DROP loc:10.0.0.66 net
EOF
cat >snat <<'EOF'
MASQUERADE 10.0.0.0/24 eth1
EOF
shorewall -v0 start >/dev/null
