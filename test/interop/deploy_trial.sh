#!/bin/sh
# Runs inside a container that has a systemd of its own (deploy-systemd.test.ts): starts adotd as an operator does, and writes
# what is seen to files in /trial/out, one for each question.
exec 2>/trial/out/trace
set -x
# A block of commands from the documentation, in a folder that has what they name.
documented() { (cd /trial/clone && sh -e "/trial/blocks/$1"); }
ask() { adotd query example.test SOA --short "$@"; }
query() { ask @127.0.0.1 "$@"; }
capabilities() { grep -E '^(Uid|CapEff|CapAmb|CapBnd|NoNewPrivs|Seccomp):' "/proc/$(main_pid)/status"; }
main_pid() { systemctl show adotd -p MainPID --value; }
show() { systemctl show adotd -p ActiveState -p StatusText -p Result -p NRestarts -p User; }
cd /trial/out || exit
ip link set lo up
ln -s /opt/adotd/node_modules/.bin/adotd /usr/local/bin/adotd

timeout 120 sh -c 'cd /trial/clone && sh -e /trial/blocks/systemd' >install.out 2>&1; echo $? >start
# Without a server the rest would only wait: the trace then says why there is none.
if ! systemctl is-active -q adotd; then
  cat start install.out >&2
  journalctl -u adotd --no-pager -o cat >&2
  exit 1
fi
show >started
adotd ctl status >control
capabilities >capabilities
for transport in udp tcp starttls tls; do query --transport $transport; done >answers
ask @::1 >answer-inet6
stat -c '%U %a' /var/lib/adotd /run/adotd /var/log/adotd >folders
sed -i 's/ 1 2h/ 2 2h/' /etc/adotd/zones/example.test.zone
systemctl reload adotd; echo $? >reload
for _ in $(seq 100); do query | grep -q ' 2 7200' && break; sleep 0.2; done
query >reloaded
show >reloaded-state

# A control thread that does not turn any more.
kill -STOP "$(main_pid)"
for _ in $(seq 60); do sleep 1; [ "$(systemctl show adotd -p NRestarts --value)" = 1 ] && break; done
for _ in $(seq 120); do systemctl is-active -q adotd && break; sleep 0.5; done
query >revived
show >revived-state
systemctl stop adotd; echo $? >stop
show >stopped

# Ports bound by systemd.
documented sockets >sockets.out 2>&1; echo $? >sockets
query >given
capabilities >activated-capabilities
systemctl stop adotd
systemctl is-active adotd >before-query
query >activated
query --transport tls >>activated
systemctl restart adotd; echo $? >restart
for transport in udp tcp starttls tls; do query --transport $transport; done >restarted

# A certificate from elsewhere, and its renewal with another key.
pin() { openssl pkey -in "/trial/clone/$1" -pubout -outform DER | openssl dgst -sha256 -binary | base64; }
documented certificate >certificate.out 2>&1; echo $? >certificate
stat -c '%n %U %G %a' /etc/adotd/tls /etc/adotd/tls/* >key-owner
sed -i 's/^  # \( *certificates:\)/  \1/; s/^  # \( *- { cert:\)/  \1/' /etc/adotd/adotd.yaml
systemctl restart adotd
query --transport tls --tls-pin "$(pin privkey.pem)" >certified
RENEWED_LINEAGE=/trial/clone/lineage adotd-certificate; echo $? >renewal
for _ in $(seq 200); do query --transport tls --tls-pin "$(pin lineage/privkey.pem)" >renewed && break; sleep 0.3; done
adotd-certificate /trial/clone/fullchain.pem /trial/clone/lineage/privkey.pem 2>mismatch; echo $? >>mismatch
systemctl stop adotd adotd.socket adotd-tls.socket

journalctl -u adotd -o cat --no-pager >journal
