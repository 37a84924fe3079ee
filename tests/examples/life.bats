#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/life: policies for machines as they stand somewhere, each with packets.

load lib

teardown() {
	lab_end
}

@test "home: guests, things, cameras and a NAS" { example home; }
@test "web server: limits by network, and bans" { example web-server; }
@test "mail server: who may send, who may read, who may deliver" { example mail-server; }
@test "bastion: in by ssh or a tunnel, on by ssh" { example bastion; }
@test "WireGuard hub: branches and people on the road" { example vpn-hub; }
@test "docker host: what is published is open by the port that is called" { example docker-host; }
@test "libvirt host: guests behind NAT and on the wire" { example libvirt-host; }
@test "Kubernetes node: the cluster, the ingress and no NodePort" { example kubernetes-node; }
@test "PBX: carriers, telephones and nobody else" { example pbx; }
@test "two uplinks: by marks and ip rule, answers by the line that was called" { example two-uplinks; }
@test "second router: one direction alone, packet by packet" { example second-router; }
@test "game consoles: what miniupnpd translates is open, for them and above port 1023" { example console; }
# bats test_tags=vm
@test "road warriors: by IPsec, and by nothing else" { example road-warriors; }
@test "IPTV: streams, the boxes, and nothing else from there" { example iptv; }
