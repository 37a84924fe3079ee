# miniupnpd: its script, and two mappings that it was asked for.
# debian: trixie
# address: 203.0.113.5 eth1
# send: tcp/8081,8082 from=eth1 src=10.0.1.2 dst=203.0.113.5
# send: udp/5001,5002 from=eth1 src=10.0.1.2 dst=203.0.113.5
# send: tcp/8080 from=eth1 src=10.0.1.2 dst=10.0.0.50
# send: tcp/8081 from=wg0 src=10.8.0.2 dst=203.0.113.5
# send: tcp/80 dst=10.0.1.9
# send: tcp/8080 from=eth1 src=fd00:b::2 dst=fd00:a::9
/etc/miniupnpd/nft_init.sh >/dev/null
cat >/tmp/conf <<'EOF'
ext_ifname=eth1
ext_ip=203.0.113.5
ext_allow_private_ipv4=yes
listening_ip=eth0
http_port=49000
enable_natpmp=no
enable_upnp=yes
secure_mode=no
uuid=00000000-0000-0000-0000-000000000001
allow 1-65535 0.0.0.0/0 1-65535
EOF
miniupnpd -d -f /tmp/conf >/tmp/log 2>&1 &
url=http://10.0.0.1:49000
for i in $(seq 100); do curl -s $url/rootDesc.xml >/dev/null && break; sleep 0.1; done
map() {
	curl -sf -H 'SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"' $url/ctl/IPConn \
		--data "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>
<u:AddPortMapping xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"><NewRemoteHost></NewRemoteHost>
<NewExternalPort>$2</NewExternalPort><NewProtocol>$1</NewProtocol><NewInternalPort>$3</NewInternalPort>
<NewInternalClient>10.0.0.50</NewInternalClient><NewEnabled>1</NewEnabled>
<NewPortMappingDescription>x</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration>
</u:AddPortMapping></s:Body></s:Envelope>" >/dev/null || { tail -3 /tmp/log; exit 1; }
}
map TCP 8081 8080
map UDP 5001 5000
