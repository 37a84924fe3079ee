/* SPDX-License-Identifier: GPL-2.0-or-later
 * The built-in services: a name -> what it needs, in the policy language. A service lists what its
 * clients really need to open; none opens by source port, which anybody may choose. Ports are
 * IANA's (Service Name and Transport Protocol Port Number Registry) where no other source is named.
 *
 * A name that /etc/services has, too, means the same there: what a policy meant by it when it was
 * not built in yet, it goes on meaning.
 */
#include <string.h>

#include "policy/policy.h"

const struct service_row service_rows[] = {
	/* whole protocols */
	{"tcp", "proto/tcp"},
	{"udp", "proto/udp"},
	{"sctp", "proto/sctp"},
	{"icmp", "icmp/0-255, icmpv6/0-255"},
	{"icmpv6", "icmpv6/0-255"},
	{"gre", "proto/gre"},
	{"esp", "proto/esp"},
	{"ah", "proto/ah"},
	{"igmp", "proto/igmp"},
	{"ospf", "proto/ospf"},
	{"vrrp", "proto/vrrp"},
	{"pim", "proto/pim"},
	{"ipip", "proto/ipip"},
	{"6in4", "proto/ipv6"},
	{"carp", "proto/vrrp"}, /* OpenBSD carp(4): VRRP's number */
	{"eigrp", "proto/eigrp"}, /* RFC 7868 */
	{"l2tpv3", "proto/l2tp"}, /* RFC 3931 */
	{"rsvp", "proto/rsvp"}, /* RFC 2205 */
	/* reachability */
	{"ping", "icmp/echo-request"},
	{"traceroute", "udp/33434-33534"},
	/* names, addresses, time */
	{"dns", "udp/53, tcp/53"},
	{"dns-over-tls", "tcp/853"},
	{"dns-over-quic", "udp/853"},
	{"mdns", "udp/5353"},
	{"llmnr", "udp/5355, tcp/5355"},
	{"dhcp", "udp/67, udp/547"},
	{"dhcpv6", "udp/547"},
	{"ntp", "udp/123"},
	{"nts", "tcp/4460"},
	{"ptp", "udp/319-320"},
	{"whois", "tcp/43"},
	{"dns-over-https", "tcp/443, udp/443"}, /* RFC 8484 */
	{"rndc", "tcp/953"}, /* BIND 9 manual */
	{"dhcp-failover", "tcp/647"},
	{"pxe", "udp/67, udp/69, udp/4011"}, /* Intel PXE 2.1: proxy DHCP */
	{"wins", "tcp/1512, udp/1512"},
	{"slp", "tcp/427, udp/427"}, /* RFC 2608 */
	{"time", "tcp/37, udp/37"}, /* RFC 868 */
	{"rwhois", "tcp/4321"}, /* RFC 2167 */
	{"finger", "tcp/79"}, /* RFC 1288 */
	{"wake-on-lan", "udp/9"}, /* AMD, Magic Packet: by custom */
	/* remote access */
	{"ssh", "tcp/22"},
	{"mosh", "udp/60000-61000"},
	{"telnet", "tcp/23"},
	{"rdp", "tcp/3389, udp/3389"},
	{"vnc", "tcp/5900-5910"},
	{"winrm", "tcp/5985-5986"},
	{"rsync", "tcp/873"},
	{"telnets", "tcp/992"},
	{"xdmcp", "udp/177"},
	/* Citrix: ports used by technologies */
	{"citrix", "tcp/1494, tcp/2598, udp/1494, udp/2598"},
	{"teamviewer", "tcp/5938, udp/5938"}, /* TeamViewer: ports */
	{"rustdesk", "tcp/21115-21119, udp/21116"}, /* RustDesk: self-host */
	{"guacd", "tcp/4822"}, /* Apache Guacamole manual */
	{"eternal-terminal", "tcp/2022"}, /* its README */
	{"cockpit", "tcp/9090"}, /* Cockpit guide */
	{"webmin", "tcp/10000"}, /* Webmin documentation */
	{"proxmox", "tcp/8006, tcp/3128, tcp/5900-5999"}, /* Proxmox VE: ports */
	{"libvirt", "tcp/16509"}, /* libvirtd.conf */
	{"libvirt-tls", "tcp/16514"}, /* libvirtd.conf */
	{"esxi", "tcp/443, tcp/902, udp/902"}, /* VMware: ports and protocols */
	{"wbem", "tcp/5988-5989"}, /* DMTF DSP0200 */
	{"synergy", "tcp/24800"}, /* Synergy documentation; Barrier, Input Leap too */
	/* web */
	{"http", "tcp/80"},
	{"https", "tcp/443"},
	{"http3", "udp/443"},
	{"quic", "udp/443"},
	{"http-alt", "tcp/8080"},
	{"squid", "tcp/3128"},
	{"https-alt", "tcp/8443"}, /* pcsync-https at IANA */
	{"socks", "tcp/1080"}, /* RFC 1928 */
	{"privoxy", "tcp/8118"}, /* Privoxy manual */
	{"icp", "udp/3130"}, /* RFC 2186 */
	{"ajp", "tcp/8009"}, /* Apache Tomcat */
	{"gemini", "tcp/1965"}, /* Gemini protocol */
	{"gopher", "tcp/70"}, /* RFC 1436 */
	{"ipfs", "tcp/4001, udp/4001"}, /* Kubo: swarm addresses */
	{"tor", "tcp/9001"}, /* tor(1): ORPort */
	{"tor-socks", "tcp/9050"}, /* tor(1): SOCKSPort */
	/* mail and messages */
	{"smtp", "tcp/25"},
	{"submission", "tcp/587"},
	{"submissions", "tcp/465"},
	{"imap", "tcp/143"},
	{"imaps", "tcp/993"},
	{"pop3", "tcp/110"},
	{"pop3s", "tcp/995"},
	{"sieve", "tcp/4190"},
	{"nntp", "tcp/119"},
	{"nntps", "tcp/563"},
	{"xmpp-client", "tcp/5222"},
	{"xmpp-server", "tcp/5269"},
	{"irc", "tcp/6667"},
	{"ircs", "tcp/6697"},
	{"matrix-federation", "tcp/8448"},
	{"smtps", "tcp/465"}, /* RFC 8314: submissions */
	{"managesieve", "tcp/4190"}, /* RFC 5804: sieve */
	{"spamd", "tcp/783"}, /* SpamAssassin spamd(1) */
	{"rspamd", "tcp/11332-11334"}, /* Rspamd: workers */
	{"clamd", "tcp/3310"}, /* clamd.conf(5) */
	{"dcc", "udp/6277"}, /* DCC dcc(8) */
	{"razor", "tcp/2703"}, /* razor-agents(1) */
	{"pyzor", "udp/24441"}, /* Pyzor documentation */
	{"jabber", "tcp/5222, tcp/5269"}, /* RFC 6120: clients and servers */
	{"xmpp-bosh", "tcp/5280-5281"}, /* XEP-0206; ejabberd, Prosody */
	{"mumble", "tcp/64738, udp/64738"}, /* Mumble documentation */
	{"teamspeak", "udp/9987, tcp/10011, tcp/30033"}, /* TeamSpeak 3 server */
	{"quassel", "tcp/4242"}, /* Quassel manual */
	{"mattermost", "tcp/8065"}, /* Mattermost: configuration */
	/* voice */
	{"sip", "udp/5060, tcp/5060"},
	{"sips", "tcp/5061"},
	{"stun", "udp/3478, tcp/3478"},
	{"turns", "tcp/5349, udp/5349"},
	{"turn", "udp/3478, tcp/3478"}, /* RFC 8656 */
	{"iax", "udp/4569"}, /* RFC 5456 */
	{"mgcp", "udp/2427, udp/2727"}, /* RFC 3435 */
	{"sccp", "tcp/2000"}, /* cisco-sccp at IANA */
	{"h323", "tcp/1720, udp/1718-1719"}, /* ITU-T H.225.0 */
	{"jitsi-videobridge", "udp/10000"}, /* Jitsi handbook */
	/* files, printing, shares */
	{"ftp", "tcp/21"},
	{"ftps", "tcp/990"},
	{"tftp", "udp/69"},
	{"nfs", "tcp/2049, udp/2049"},
	{"rpcbind", "tcp/111, udp/111"},
	{"smb", "tcp/445"},
	{"netbios", "udp/137-138, tcp/139"},
	{"afp", "tcp/548"},
	{"ipp", "tcp/631"},
	{"jetdirect", "tcp/9100"},
	{"iscsi", "tcp/3260"},
	{"nbd", "tcp/10809"},
	{"git", "tcp/9418"},
	{"svn", "tcp/3690"},
	{"samba", "tcp/445, tcp/139, udp/137-138"}, /* smbd(8), nmbd(8) */
	{"cifs", "tcp/445"}, /* MS-SMB2 */
	/* RFC 1813; mountd at its IANA port */
	{"nfs3", "tcp/111, udp/111, tcp/2049, udp/2049, tcp/20048, udp/20048"},
	{"mountd", "tcp/20048, udp/20048"},
	{"amanda", "tcp/10080"},
	{"bacula", "tcp/9101-9103"},
	{"bareos", "tcp/9101-9103"}, /* Bareos manual */
	{"urbackup", "tcp/35621, udp/35622, tcp/35623"}, /* UrBackup manual: clients */
	{"lpd", "tcp/515"}, /* RFC 1179 */
	{"sane", "tcp/6566"},
	{"isns", "tcp/3205, udp/3205"}, /* RFC 4171 */
	{"nvme-tcp", "tcp/4420, tcp/8009"}, /* NVMe/TCP: I/O, discovery */
	{"drbd", "tcp/7788-7799"}, /* DRBD user guide */
	{"minio", "tcp/9000-9001"}, /* MinIO documentation */
	{"cvs", "tcp/2401"}, /* cvspserver at IANA */
	{"perforce", "tcp/1666"}, /* Perforce Helix Core */
	{"gerrit", "tcp/29418"}, /* Gerrit: ssh */
	{"distcc", "tcp/3632"},
	{"icecream", "tcp/8765-8766, udp/8765, tcp/10245"}, /* Icecream README */
	{"docker-registry", "tcp/5000"}, /* CNCF Distribution */
	{"apt-cacher-ng", "tcp/3142"}, /* apt-cacher-ng(8) */
	{"warpinator", "tcp/42000-42001, udp/42000"}, /* Warpinator README */
	{"localsend", "tcp/53317, udp/53317"}, /* LocalSend protocol */
	{"kdeconnect", "tcp/1714-1764, udp/1714-1764"}, /* KDE Connect */
	{"dropbox-lansync", "tcp/17500, udp/17500"},
	/* directories and authentication */
	{"ldap", "tcp/389"},
	{"ldaps", "tcp/636"},
	{"kerberos", "tcp/88, udp/88"},
	{"kpasswd", "tcp/464, udp/464"},
	{"radius", "udp/1812-1813"},
	{"tacacs", "tcp/49"},
	{"ident", "tcp/113"},
	/* Microsoft: service overview and port requirements */
	{"active-directory",
	 "udp/53, tcp/53, tcp/88, udp/88, udp/123, tcp/135, tcp/389, udp/389, "
	 "tcp/445, tcp/464, udp/464, tcp/636, tcp/3268-3269, tcp/49152-65535"},
	/* FreeIPA: ports */
	{"freeipa", "tcp/80, tcp/443, tcp/389, tcp/636, tcp/88, udp/88, tcp/464, udp/464"},
	{"global-catalog", "tcp/3268-3269"}, /* msft-gc at IANA */
	{"msrpc", "tcp/135"}, /* epmap at IANA; further ports are negotiated */
	{"kadmin", "tcp/749"}, /* kerberos-adm at IANA */
	{"radius-coa", "udp/3799"}, /* RFC 5176 */
	{"radsec", "tcp/2083, udp/2083"}, /* RFC 6614, RFC 7360 */
	{"diameter", "tcp/3868, sctp/3868"}, /* RFC 6733 */
	/* databases and queues */
	{"mysql", "tcp/3306"},
	{"postgresql", "tcp/5432"},
	{"mssql", "tcp/1433"},
	{"oracle", "tcp/1521"},
	{"mongodb", "tcp/27017"},
	{"redis", "tcp/6379"},
	{"memcached", "tcp/11211"},
	{"elasticsearch", "tcp/9200"},
	{"amqp", "tcp/5672"},
	{"amqps", "tcp/5671"},
	{"mqtt", "tcp/1883"},
	{"mqtts", "tcp/8883"},
	{"kafka", "tcp/9092"},
	{"mariadb", "tcp/3306"}, /* MariaDB */
	{"mysqlx", "tcp/33060"},
	/* Galera: firewall settings */
	{"galera", "tcp/3306, tcp/4567, udp/4567, tcp/4568, tcp/4444"},
	{"pgbouncer", "tcp/6432"}, /* PgBouncer */
	{"patroni", "tcp/8008"}, /* Patroni: REST API */
	{"cockroachdb", "tcp/26257"}, /* CockroachDB */
	{"cassandra", "tcp/9042"}, /* Cassandra: native protocol */
	{"cassandra-cluster", "tcp/7000-7001, tcp/7199"}, /* Cassandra: between nodes */
	{"couchdb", "tcp/5984"},
	{"influxdb", "tcp/8086"}, /* InfluxDB */
	{"clickhouse", "tcp/8123, tcp/9000"}, /* ClickHouse: network ports */
	{"neo4j", "tcp/7473-7474, tcp/7687"}, /* Neo4j: ports */
	{"firebird", "tcp/3050"}, /* gds-db at IANA */
	{"db2", "tcp/50000"}, /* IBM Db2 */
	{"redis-sentinel", "tcp/26379"}, /* Redis Sentinel */
	{"redis-cluster", "tcp/6379, tcp/16379"}, /* Redis Cluster */
	{"valkey", "tcp/6379"}, /* Valkey */
	{"opensearch", "tcp/9200"}, /* OpenSearch */
	{"elasticsearch-cluster", "tcp/9300"}, /* Elasticsearch: transport */
	{"solr", "tcp/8983"}, /* Apache Solr */
	{"kibana", "tcp/5601"}, /* Kibana */
	{"zookeeper", "tcp/2181"},
	{"zookeeper-cluster", "tcp/2888, tcp/3888"}, /* ZooKeeper: between servers */
	{"rabbitmq-management", "tcp/15672"}, /* RabbitMQ: networking */
	{"rabbitmq-cluster", "tcp/4369, tcp/25672"}, /* RabbitMQ: networking */
	{"epmd", "tcp/4369"}, /* Erlang */
	{"nats", "tcp/4222, tcp/6222"}, /* NATS: clients, cluster */
	{"stomp", "tcp/61613"}, /* STOMP */
	{"activemq", "tcp/61616"}, /* ActiveMQ: OpenWire */
	{"pulsar", "tcp/6650-6651"}, /* Apache Pulsar */
	{"gearman", "tcp/4730"}, /* gearmand(8) */
	{"beanstalkd", "tcp/11300"}, /* beanstalkd(1) */
	/* monitoring and management */
	{"snmp", "udp/161"},
	{"snmptrap", "udp/162"},
	{"syslog", "udp/514"},
	{"syslog-tls", "tcp/6514"},
	{"netflow", "udp/2055"},
	{"ipfix", "udp/4739, tcp/4739"},
	{"sflow", "udp/6343"},
	{"prometheus", "tcp/9090"},
	{"node-exporter", "tcp/9100"},
	{"zabbix-agent", "tcp/10050"},
	{"zabbix-server", "tcp/10051"},
	{"nrpe", "tcp/5666"},
	{"ipmi", "udp/623"},
	{"puppet", "tcp/8140"},
	{"salt", "tcp/4505-4506"},
	{"netconf", "tcp/830"},
	{"snmp-tls", "tcp/10161, udp/10161"}, /* RFC 6353 */
	{"snmptrap-tls", "tcp/10162, udp/10162"}, /* RFC 6353 */
	{"gelf", "tcp/12201, udp/12201"}, /* Graylog: GELF */
	{"fluentd", "tcp/24224, udp/24224"}, /* Fluentd: forward */
	{"beats", "tcp/5044"}, /* Logstash: beats input */
	{"loki", "tcp/3100"}, /* Grafana Loki */
	{"grafana", "tcp/3000"}, /* Grafana */
	{"alertmanager", "tcp/9093"}, /* Prometheus: port allocations */
	{"pushgateway", "tcp/9091"}, /* Prometheus: port allocations */
	{"blackbox-exporter", "tcp/9115"}, /* Prometheus: port allocations */
	{"snmp-exporter", "tcp/9116"}, /* Prometheus: port allocations */
	{"victoriametrics", "tcp/8428"}, /* VictoriaMetrics */
	{"graphite", "tcp/2003-2004, udp/2003"}, /* Carbon */
	{"statsd", "udp/8125"}, /* StatsD */
	{"collectd", "udp/25826"}, /* collectd network plugin */
	{"ganglia", "udp/8649, tcp/8649"}, /* Ganglia gmond */
	{"munin", "tcp/4949"},
	{"nsca", "tcp/5667"},
	{"icinga2", "tcp/5665"}, /* Icinga 2 */
	{"checkmk-agent", "tcp/6556"}, /* Checkmk */
	{"netdata", "tcp/19999"}, /* Netdata */
	{"monit", "tcp/2812"}, /* monit(1) */
	{"xymon", "tcp/1984"}, /* Xymon */
	{"nut", "tcp/3493, udp/3493"},
	{"apcupsd", "tcp/3551"},
	{"otlp", "tcp/4317-4318"}, /* OpenTelemetry protocol */
	{"zipkin", "tcp/9411"}, /* Zipkin */
	{"wazuh", "tcp/1514-1515"}, /* Wazuh: agents */
	{"cfengine", "tcp/5308"},
	{"netconf-tls", "tcp/6513"}, /* RFC 7589 */
	{"gnmi", "tcp/9339"}, /* gnmi-gnoi at IANA */
	{"winbox", "tcp/8291"}, /* MikroTik RouterOS */
	{"unifi", "tcp/8080, tcp/8443, udp/3478, udp/10001"}, /* Ubiquiti: required ports */
	{"capwap", "udp/5246-5247"}, /* RFC 5415 */
	{"gpsd", "tcp/2947"},
	{"iperf", "tcp/5001, udp/5001"}, /* iperf(1) */
	{"iperf3", "tcp/5201, udp/5201"}, /* iperf3(1) */
	{"twamp", "tcp/862, udp/862"}, /* RFC 5357, RFC 8762 */
	/* tunnels */
	{"wireguard", "udp/51820"},
	{"openvpn", "udp/1194, tcp/1194"},
	{"ipsec", "udp/500, udp/4500, proto/esp, proto/ah"},
	{"l2tp", "udp/1701"},
	{"pptp", "tcp/1723, proto/gre"},
	{"vxlan", "udp/4789"},
	{"geneve", "udp/6081"},
	{"ike", "udp/500, udp/4500"}, /* RFC 7296 */
	{"openconnect", "tcp/443, udp/443"}, /* ocserv(8) */
	{"softether", "tcp/443, tcp/992, tcp/1194, udp/1194, tcp/5555"}, /* SoftEther manual */
	{"tinc", "tcp/655, udp/655"}, /* tinc manual */
	{"zerotier", "udp/9993"}, /* ZeroTier */
	{"tailscale", "udp/41641"}, /* Tailscale: firewall ports */
	{"nebula", "udp/4242"}, /* Nebula */
	{"teredo", "udp/3544"}, /* RFC 4380 */
	{"vxlan-gpe", "udp/4790"},
	{"flannel", "udp/8472"}, /* Flannel: vxlan, as Linux had it before RFC 7348 */
	{"gtp", "udp/2123, udp/2152"}, /* 3GPP TS 29.060, 29.281 */
	{"lisp", "udp/4341-4342"}, /* RFC 9300, RFC 9301 */
	/* routing */
	{"bgp", "tcp/179"},
	{"bfd", "udp/3784-3785, udp/4784"},
	{"rip", "udp/520"},
	{"ripng", "udp/521"},
	{"hsrp", "udp/1985"},
	{"conntrackd", "udp/3780"},
	{"ldp", "tcp/646, udp/646"}, /* RFC 5036 */
	{"msdp", "tcp/639"}, /* RFC 3618 */
	{"babel", "udp/6696"}, /* RFC 8966 */
	{"olsr", "udp/698"}, /* RFC 3626 */
	{"rpki-rtr", "tcp/323-324"}, /* RFC 8210 */
	{"pcep", "tcp/4189"}, /* RFC 5440 */
	{"glbp", "udp/3222"},
	{"openflow", "tcp/6653"},
	{"ovsdb", "tcp/6640"}, /* RFC 7047 */
	/* clusters */
	{"etcd", "tcp/2379-2380"},
	{"kubernetes-api", "tcp/6443"},
	{"consul", "tcp/8300-8302, udp/8301-8302"},
	{"docker-swarm", "tcp/2377, tcp/7946, udp/7946, udp/4789"},
	{"ceph", "tcp/3300, tcp/6789, tcp/6800-7300"},
	{"glusterfs", "tcp/24007-24008"},
	{"corosync", "udp/5404-5405"},
	{"kubelet", "tcp/10250"}, /* Kubernetes: ports and protocols */
	{"kube-scheduler", "tcp/10259"}, /* Kubernetes: ports and protocols */
	{"kube-controller-manager", "tcp/10257"}, /* Kubernetes: ports and protocols */
	{"kube-nodeport", "tcp/30000-32767, udp/30000-32767"}, /* Kubernetes: ports and protocols */
	{"calico-typha", "tcp/5473"}, /* Calico: requirements */
	{"cilium-health", "tcp/4240"}, /* Cilium: requirements */
	{"nomad", "tcp/4646-4648, udp/4648"}, /* Nomad: requirements */
	{"vault", "tcp/8200-8201"}, /* Vault */
	{"docker-tls", "tcp/2376"},
	{"portainer", "tcp/9443"}, /* Portainer */
	{"ceph-mon", "tcp/3300, tcp/6789"}, /* Ceph: network */
	{"ceph-osd", "tcp/6800-7300"}, /* Ceph: network */
	{"glusterfs-bricks", "tcp/49152-49251"}, /* Gluster: a port a brick */
	{"pcsd", "tcp/2224"}, /* RHEL: High Availability Add-On */
	{"pacemaker-remote", "tcp/3121"},
	{"dlm", "tcp/21064"}, /* RHEL: High Availability Add-On */
	{"heartbeat", "udp/694"}, /* ha-cluster at IANA */
	{"ctdb", "tcp/4379"},
	{"slurm", "tcp/6817-6818"}, /* Slurm */
	/* home and media */
	{"ssdp", "udp/1900"},
	{"upnp", "udp/1900, tcp/5000"},
	{"nat-pmp", "udp/5351"},
	{"wsdd", "udp/3702, tcp/5357"},
	{"plex", "tcp/32400"},
	{"jellyfin", "tcp/8096"},
	{"rtsp", "tcp/554, udp/554"},
	{"airplay", "tcp/7000"},
	{"bittorrent", "tcp/6881-6889, udp/6881-6889"},
	{"syncthing", "tcp/22000, udp/22000"},
	{"minecraft", "tcp/25565"},
	{"steam", "udp/27000-27050, tcp/27015-27050"},
	{"minidlna", "tcp/8200, udp/1900"}, /* ReadyMedia */
	{"emby", "tcp/8096, tcp/8920"}, /* Emby */
	{"jellyfin-discovery", "udp/7359"}, /* Jellyfin: networking */
	{"kodi", "tcp/8080, tcp/9090, udp/9777"}, /* Kodi: web, JSON-RPC, event server */
	{"mpd", "tcp/6600"}, /* mpd.conf(5) */
	{"pulseaudio", "tcp/4713"}, /* PulseAudio: native protocol */
	{"snapcast", "tcp/1704-1705"}, /* Snapcast */
	{"lyrion", "tcp/3483, udp/3483, tcp/9000, tcp/9090"}, /* Lyrion Music Server */
	{"daap", "tcp/3689"},
	{"spotify-connect", "tcp/57621, udp/57621"}, /* Spotify: local discovery */
	{"chromecast", "tcp/8008-8009"}, /* Google Cast */
	{"rtmp", "tcp/1935"}, /* Adobe RTMP 1.0 */
	{"icecast", "tcp/8000"}, /* Icecast */
	{"sap", "udp/9875"}, /* RFC 2974 */
	{"tvheadend", "tcp/9981-9982"}, /* Tvheadend */
	{"svdrp", "tcp/6419"},
	{"home-assistant", "tcp/8123"}, /* Home Assistant */
	{"esphome", "tcp/6053"}, /* ESPHome: native API */
	{"matter", "udp/5540"},
	{"coap", "udp/5683"}, /* RFC 7252 */
	{"coaps", "udp/5684"}, /* RFC 7252 */
	{"knx", "udp/3671"}, /* EN ISO 22510: KNXnet/IP */
	{"bacnet", "udp/47808"}, /* ASHRAE 135 */
	{"modbus", "tcp/502"}, /* Modbus/TCP */
	{"opc-ua", "tcp/4840"}, /* IEC 62541-6 */
	{"syncthing-discovery", "udp/21027"}, /* Syncthing: firewall setup */
	{"syncthing-relay", "tcp/22067"}, /* Syncthing: relay server */
	{"transmission", "tcp/51413, udp/51413"}, /* Transmission */
	{"transmission-rpc", "tcp/9091"}, /* Transmission: web interface */
	{"deluge", "tcp/58846"}, /* Deluge: daemon */
	{"bitcoin", "tcp/8333"}, /* Bitcoin Core */
	{"monero", "tcp/18080"}, /* monerod */
	{"lightning", "tcp/9735"}, /* BOLT 1 */
	{"ethereum", "tcp/30303, udp/30303"}, /* devp2p */
	/* games */
	{"minecraft-bedrock", "udp/19132-19133"}, /* Minecraft: server.properties */
	{"factorio", "udp/34197"}, /* Factorio: multiplayer */
	{"valheim", "udp/2456-2457"}, /* Valheim: dedicated server */
	{"terraria", "tcp/7777"}, /* Terraria server */
	{"luanti", "udp/30000"}, /* Luanti (Minetest) */
	{"openttd", "tcp/3979, udp/3979"}, /* OpenTTD */
	{"quake3", "udp/27960"}, /* ioquake3 */
	{"source-server", "tcp/27015, udp/27015"}, /* Valve: SRCDS */
	/* Xbox support: network ports */
	{"xbox-live", "udp/88, udp/500, udp/3544, udp/4500, tcp/3074, udp/3074"},
	{NULL, NULL},
};

const char *service_catalogue(const char *name)
{
	for (const struct service_row *r = service_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return r->text;
	return NULL;
}
