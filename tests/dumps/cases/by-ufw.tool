# ufw: allow, limit, deny, reject, a range, a route, logging.
# debian: trixie
# send: tcp/22,25,80,81,443,2222 src=10.0.0.2,10.0.0.200
# send: tcp/53,81 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: udp/6000,6007,6008,137,53
# send: udp/68 sport=67
# send: icmp/8,13
# send: udp/9 state=established
# send: tcp/1 flags=fin+syn
# send: tcp/80,81 dst=10.0.1.9
# send: tcp/22,25,80 src=fd00:a::2
# send: icmpv6/128,135,136 src=fd00:a::2 ttl=255
# send: from=self dst=10.0.0.9 tcp/80
# unknown: xt limit
# unknown: xt recent
ufw allow 22/tcp
ufw limit 25/tcp
ufw allow from 10.0.0.0/25 to any port 80 proto tcp
ufw deny in on eth1 to any port 53
ufw reject 81/tcp
ufw allow 6000:6007/udp
ufw route allow in on eth0 out on eth1 to any port 80 proto tcp
ufw logging low
ufw --force enable
