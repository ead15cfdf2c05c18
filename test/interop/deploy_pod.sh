#!/bin/sh
# Runs inside a container that has the volumes of the pod (deploy-kubernetes.test.ts): what the kubelet would start, in
# /out/*.words, one word a line, as the pod's user; what is seen goes to files in /out.
exec 2>/out/trace
set -x
cd /opt/adotd || exit
user=$(cat /out/user)
as_user() { exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
words() { while IFS= read -r word; do set -- "$@" "$word"; done <"/out/$1.words"; shift; as_user "$@"; }
query() { (as_user /usr/bin/node dist/cli/main.js query example.test SOA @127.0.0.1 --short "$@"); }
probe() { /usr/bin/node -e 'fetch("http://127.0.0.1:9153" + process.argv[1]).then((r) => console.log(r.status), (e) => console.log(e.cause.code))' "$1"; }
ip link set lo up
mkdir -p /run/adotd && chown "$user" /run/adotd
export RUNTIME_DIRECTORY=/run/adotd
# fsGroup and defaultMode.
chgrp -R "${user#*:}" /etc/adotd/tls && chmod 440 /etc/adotd/tls/..data/*

(words serve) >/out/serve.out 2>/out/serve.log &
server=$!
for _ in $(seq 600); do grep -q ^ready /out/serve.out && break; sleep 0.1; done
cat /proc/$server/status >/out/status
for path in /healthz /readyz /metrics; do probe $path; done >/out/probes
for transport in udp tcp starttls; do query --port 5300 --transport $transport; done >/out/answers
query --port 8853 --transport tls >>/out/answers

ln -s ..generation_2 /etc/adotd/zones/..new && mv -T /etc/adotd/zones/..new /etc/adotd/zones/..data
for _ in $(seq 200); do query --port 5300 | grep -q ' 2 7200' && break; sleep 0.1; done
query --port 5300 >/out/replaced

(as_user /usr/bin/node dist/cli/main.js ctl status) >/out/control
(words stop) &
stop=$!
query --port 5300 >/out/answer-while-stopping
wait $stop; echo $? >/out/stop
kill -TERM $server
wait $server; echo $? >/out/end
