# ferm: both families, a limit, a limit of connections.
# debian: trixie
# send: tcp/22,23,80 src=10.0.0.2,fd00:a::2
# send: udp/53,54,500 src=10.0.0.2,fd00:a::2
# send: icmp/8 src=10.0.0.2
# send: tcp/80 dst=10.0.1.9
# send: tcp/80 from=eth1 src=10.0.1.2 dst=10.0.0.9
# send: tcp/80 from=eth1 src=10.0.1.2 dst=10.0.0.9 flags=ack
# send: udp/9 state=established
# send: tcp/8080 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/80 from=self dst=10.0.0.9
# unknown: xt limit
# unknown: xt connlimit
rm /usr/sbin/*-legacy*
cat >/tmp/f <<'EOF'
domain (ip ip6) table filter {
  chain INPUT { policy DROP;
    mod state state INVALID DROP;
    mod state state (ESTABLISHED RELATED) ACCEPT;
    interface lo ACCEPT;
    proto tcp dport (ssh http https) ACCEPT;
    proto udp mod multiport destination-ports (53 500 4500) ACCEPT;
    proto icmp mod limit limit 5/second limit-burst 5 ACCEPT;
  }
  chain FORWARD { policy DROP;
    mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT;
    interface eth0 outerface eth1 ACCEPT;
    proto tcp mod tcp tcp-flags (FIN SYN RST ACK) SYN mod connlimit connlimit-above 4 REJECT reject-with tcp-reset;
  }
  chain OUTPUT policy ACCEPT;
}
table nat chain POSTROUTING { saddr 10.0.0.0/24 outerface eth1 MASQUERADE; }
table nat chain PREROUTING { interface eth1 proto tcp dport 8080 DNAT to 10.0.0.9:80; }
EOF
ferm /tmp/f
