#!/bin/sh
# Runs inside a container that holds the image's contents (deploy-docker.test.ts): what the engine would start, in /out/*.words,
# one word a line, as the image's user; what is seen goes to files in /out.
exec 2>/out/trace
set -x
cd /opt/adotd || exit
user=$(cat /out/user)
as_user() { exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
words() { while IFS= read -r word; do set -- "$@" "$word"; done <"/out/$1.words"; shift; as_user "$@"; }
ip link set lo up
# As the engine sets it.
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start

(words serve) >/out/serve.out 2>/out/serve.log &
server=$!
for _ in $(seq 600); do grep -q ^ready /out/serve.out && break; sleep 0.1; done
cat /proc/$server/status >/out/status
(words health) >/out/health.out 2>&1; echo $? >/out/health-serving
(as_user /usr/bin/node dist/cli/main.js query example.test SOA @127.0.0.1 --short) >/out/answer
(as_user /usr/bin/node dist/cli/main.js ctl status) >/out/control
kill -TERM $server
wait $server; echo $? >/out/end
(words health) >/out/health.out 2>&1; echo $? >/out/health-stopped

# The other image, with a pipe for its standard input, that is then closed.
mkfifo /out/input
(words fixture) </out/input >/out/fixture.out 2>/out/fixture.log &
fixture=$!
exec 3>/out/input
for _ in $(seq 600); do grep -q '^{' /out/fixture.out && break; sleep 0.1; done
(as_user /usr/bin/node dist/cli/main.js query example.test SOA @127.0.0.1 --transport tls --short) >/out/fixture.answer
exec 3>&-
wait $fixture; echo $? >/out/fixture.end
