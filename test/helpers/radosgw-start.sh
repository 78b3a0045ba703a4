#!/usr/bin/env bash
# Ceph's S3 gateway with one monitor and one disk in memory, on loopback.
# usage: radosgw-start.sh FOLDER PORT      stop: kill $(cat FOLDER/run/*.pid)
set -euo pipefail
folder=$1 port=$2
monitor="[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]"
mkdir -p "$folder"/{mon,osd0,run,log,rgw}
: >"$folder/keyring"
id=$(cat /proc/sys/kernel/random/uuid)
cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $id
mon host = $monitor
auth cluster required = none
auth service required = none
auth client required = none
ms bind ipv6 = false
ms client mode = crc
ms mon client mode = crc
ms service mode = crc
ms cluster mode = crc
ms bind before connect = true
keyring = $folder/keyring
run dir = $folder/run
admin socket = $folder/run/\$cluster-\$name.asok
pid file = $folder/run/\$name.pid
log file = $folder/log/\$name.log
public addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd max object name len = 256
mon data avail crit = 0
[mon.a]
mon data = $folder/mon
[osd.0]
osd data = $folder/osd0
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $folder/rgw
CONF
export CEPH_CONF=$folder/ceph.conf
monmaptool --create --fsid "$id" --addv a "$monitor" "$folder/monmap"
ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring /dev/null
ceph-mon -i a
ceph osd create
ceph-osd -i 0 --mkfs
ceph osd crush add osd.0 1.0 root=default || true
ceph-osd -i 0
radosgw -n client.rgw
for _ in $(seq 120); do
  curl -s -o /dev/null "http://127.0.0.1:$port" && break
  sleep 0.5
done
radosgw-admin user create --uid=test --display-name=test \
  --access-key=testkey --secret-key=testsecret -n client.rgw
