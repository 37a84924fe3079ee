# firewalld, with interfaces in zones, a source, a rich rule and a port forwarded.
# debian: trixie
# send: tcp/22,23,80,443,8443 src=10.0.0.2,10.0.0.66
# send: tcp/22,80,8080 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: icmp/8,13 from=eth0
# send: icmp/8 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/1 from=wg0 src=10.8.0.2,10.9.0.2 dst=10.8.0.1
# send: tcp/80,443 dst=10.0.1.9
# send: tcp/80 from=eth1 src=10.0.1.2 dst=10.0.0.9,10.8.0.9
# send: udp/5353,137 dst=10.0.0.1
# send: udp/9 state=established
# send: tcp/1 flags=fin+syn
# send: tcp/22,80 src=fd00:a::2
# send: tcp/80 src=fd00:a::2 dst=fd00:b::9
# send: icmpv6/128,135 src=fd00:a::2 ttl=255
# send: from=self dst=10.0.0.9 tcp/80
mkdir -p /run/dbus; dbus-daemon --system --fork
firewalld --nofork --nopid &
for i in $(seq 100); do firewall-cmd --state >/dev/null 2>&1 && break; sleep 0.1; done
firewall-cmd -q --zone=internal --add-interface=eth0
firewall-cmd -q --zone=external --add-interface=eth1
firewall-cmd -q --zone=trusted --add-source=10.8.0.0/24
firewall-cmd -q --zone=internal --add-service=https
firewall-cmd -q --zone=internal --add-rich-rule='rule family=ipv4 source address=10.0.0.66 port port=80 protocol=tcp reject'
firewall-cmd -q --zone=external --add-forward-port=port=8080:proto=tcp:toport=80:toaddr=10.0.0.9
