#!/bin/sh
# Runs inside a container that has a systemd of its own (deploy-systemd.test.ts): starts adotd as an operator does, and writes
# what is seen to files in /trial/out, one for each question.
exec 2>/trial/out/trace
set -x
units=/etc/systemd/system
ask() { /usr/bin/node /opt/adotd/node_modules/adotd/dist/cli/main.js query example.test SOA --short "$@"; }
query() { ask @127.0.0.1 "$@"; }
capabilities() { grep -E '^(Uid|CapEff|CapAmb|CapBnd|NoNewPrivs|Seccomp):' "/proc/$(main_pid)/status"; }
main_pid() { systemctl show adotd -p MainPID --value; }
show() { systemctl show adotd -p ActiveState -p StatusText -p Result -p NRestarts -p User; }
cd /trial/out || exit
ip link set lo up

timeout 20 systemctl start adotd; echo $? >start
show >started
capabilities >capabilities
for transport in udp tcp starttls tls; do query --transport $transport; done >answers
ask @::1 >answer-inet6
stat -c '%U %a' /var/lib/adotd /run/adotd >folders
sed -i 's/ 1 2h/ 2 2h/' /etc/adotd/zones/example.test.zone
systemctl reload adotd; echo $? >reload
for try in 1 2 3 4 5 6 7 8 9; do query | grep -q ' 2 7200' && break; sleep 0.2; done
query >reloaded
show >reloaded-state

# A control thread that does not turn any more.
kill -STOP "$(main_pid)"
for try in 1 2 3 4 5 6 7 8 9; do sleep 1; [ "$(systemctl show adotd -p NRestarts --value)" = 1 ] && break; done
for try in 1 2 3 4 5 6 7 8 9; do systemctl is-active -q adotd && break; sleep 0.5; done
query >revived
show >revived-state
systemctl stop adotd; echo $? >stop
show >stopped

# Ports bound by systemd.
mkdir -p $units/adotd.service.d
cp /trial/units/socket-activation.conf $units/adotd.service.d/
systemctl daemon-reload
systemctl start adotd.socket adotd-tls.socket; echo $? >sockets
systemctl is-active adotd >before-query
query >activated
query --transport tls >>activated
capabilities >activated-capabilities
timeout 20 systemctl restart adotd; echo $? >restart
for transport in udp tcp starttls tls; do query --transport $transport; done >restarted
systemctl stop adotd adotd.socket adotd-tls.socket

journalctl -u adotd -o cat --no-pager >journal
