# netavark, as podman calls it: a container with three ports published, on a bridge.
# debian: trixie
# send: tcp/8080,22 dst=10.0.0.1
# send: udp/5353,5354,5355 dst=10.0.0.1
# send: udp/5353 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/80,81 dst=192.168.122.3
# send: udp/53 from=p0 src=192.168.122.3 dst=192.168.122.1
# send: tcp/80 from=p0 src=192.168.122.3 dst=10.0.1.9,192.168.122.1
# send: tcp/80 from=eth0 dst=10.0.1.9
# send: tcp/80 from=eth0 dst=10.0.1.9 flags=ack+rst
# send: udp/9 dst=192.168.122.3 state=new,established
# send: tcp/80 from=self dst=10.0.0.9
ip netns add c
export NETAVARK_FW=nftables
cat >/tmp/n.json <<'EOF'
{"container_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","container_name":"web",
"port_mappings":[{"container_port":80,"host_ip":"","host_port":8080,"protocol":"tcp","range":1},{"container_port":53,"host_ip":"10.0.0.1","host_port":5353,"protocol":"udp","range":2}],
"networks":{"podman":{"interface_name":"eth0","static_ips":["192.168.122.3"]}},
"network_info":{"podman":{"name":"podman","id":"2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9","driver":"bridge","network_interface":"br0","subnets":[{"subnet":"192.168.122.0/24","gateway":"192.168.122.1"}],"ipv6_enabled":false,"internal":false,"dns_enabled":false,"ipam_options":{"driver":"host-local"}}}}
EOF
mkdir -p /run/nv
/usr/lib/podman/netavark --config /run/nv setup /run/netns/c </tmp/n.json >/dev/null
