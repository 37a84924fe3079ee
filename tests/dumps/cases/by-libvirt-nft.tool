# libvirt: a network behind a bridge of its own, by nftables. The bridge has the number of the one before.
# debian: trixie
# send: udp/53,67,68 from=p0
# send: tcp/53,22 from=p0
# send: udp/53
# send: tcp/80 from=p0 src=192.168.122.2 dst=10.0.1.9
# send: udp/9 from=p0 src=192.168.122.2 dst=10.0.1.9 state=new
# send: icmp/8 from=p0 src=192.168.122.2 dst=10.0.1.9
# send: tcp/80 dst=192.168.122.2 state=new,established
# send: tcp/80 from=p0 src=10.0.0.2 dst=10.0.1.9
# send: tcp/80 dst=10.0.1.9
# send: from=self src=192.168.122.1 dst=192.168.122.2 udp/68,69
ip link del br0
for i in 2 3 4 5 6 7 8 9 10; do ip link add d$i type bridge; done
echo 'firewall_backend = "nftables"' >>/etc/libvirt/network.conf
# It mends checksums by tc, which this kernel has no part for.
ln -sf /bin/true "$(command -v tc)"
libvirtd -d
cat >/tmp/network.xml <<'EOF'
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='br0' stp='off' delay='0'/>
  <mac address='02:00:00:00:01:10'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
EOF
virsh -q -c network:///system net-define /tmp/network.xml
virsh -q -c network:///system net-start default
for i in 2 3 4 5 6 7 8 9 10; do ip link del d$i; done
ip link set p0 master br0
ip link set p1 master br0
ip link set br0 up arp off type bridge mcast_snooping 0
