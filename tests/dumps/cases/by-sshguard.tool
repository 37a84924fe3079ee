# sshguard: the program that it has change the rules, told of an address, a network, and one of IPv6.
# debian: trixie
# send: tcp/22,80 src=10.0.0.66,10.0.3.9,10.0.0.67
# send: tcp/22 src=fd00:a::66,fd00:a::67
mkfifo /tmp/orders
/usr/libexec/sshguard/sshg-fw-nft-sets </tmp/orders &
exec 4>/tmp/orders
printf 'block %s\n' '10.0.0.66 4 32' '10.0.3.0 4 24' 'fd00:a::66 6 128' >&4
for i in $(seq 200); do
	! nft list ruleset | grep -q fd00:a::66 || exit 0
	sleep 0.1
done
exit 1
