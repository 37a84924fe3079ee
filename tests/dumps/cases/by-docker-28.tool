# Docker, with a container that has two ports published, on a bridge.
# debian: sid
# send: tcp/8080,22 dst=10.0.0.1
# send: udp/5353,5354 dst=10.0.0.1
# send: udp/5353 from=eth1 src=10.0.1.2 dst=10.0.1.1
# send: tcp/80,81 dst=192.168.122.2 from=eth0
# send: tcp/80 from=p0 src=192.168.122.3 dst=10.0.1.9,192.168.122.1
# send: udp/53 from=p0 src=192.168.122.3 dst=10.0.1.9
# send: tcp/80 from=eth0 dst=10.0.1.9
# send: udp/9 dst=192.168.122.3 state=new,established
# send: tcp/80 from=self dst=10.0.0.9
dockerd --bridge=br0 --storage-driver=vfs --ip6tables=false >/var/log/dockerd 2>&1 &
for i in $(seq 300); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
mkdir -p /box/bin
cp /bin/busybox /box/bin/
tar -C /box -c . | docker import - box >/dev/null
docker run -d -p 8080:80 -p 10.0.0.1:5353:53/udp box /bin/busybox sleep 1000 >/dev/null
