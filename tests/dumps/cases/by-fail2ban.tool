# fail2ban: one jail for a port, one for all.
# debian: trixie
# send: tcp/22,23 src=10.0.0.66,10.0.0.67,10.0.0.68,10.0.0.70
# send: udp/22 src=10.0.0.66,10.0.0.70
# send: tcp/22 dst=10.0.1.9 src=10.0.0.66
# send: tcp/22,23 src=fd00:a::66,fd00:a::67
rm -f /etc/fail2ban/jail.d/*
cat >/etc/fail2ban/jail.d/a.local <<'EOF'
[DEFAULT]
banaction = nftables-multiport
banaction_allports = nftables-allports
backend = auto
[sshd]
enabled = true
logpath = /var/log/a.log
[recidive]
enabled = true
logpath = /var/log/a.log
EOF
mkdir -p /run/fail2ban
touch /var/log/a.log /var/log/fail2ban.log
fail2ban-client start >/dev/null
fail2ban-client set sshd banip 10.0.0.66 10.0.0.67 fd00:a::66
fail2ban-client set recidive banip 10.0.0.70
for i in $(seq 200); do
	[ "$(nft list ruleset | grep -Eo '10\.0\.0\.(66|67|70)|fd00:a::66' | wc -l)" -lt 4 ] || exit 0
	sleep 0.1
done
exit 1
