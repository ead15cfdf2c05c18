#!/bin/sh
# A nameserver for a script: `adotd fixture` runs while descriptor 3 is open, so until this script ends in any way.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
replies=$folder/replies
: >"$replies"

mkfifo "$folder/commands"
${ADOTD:-adotd} fixture --zone "example.test=$here/example.test.zone" --ca-file "$folder/ca.pem" \
  <"$folder/commands" >>"$replies" 3>&- &
exec 3>"$folder/commands"

# Waits for the next whole line of output. Fails if the server has ended.
lines=0
reply() {
  lines=$((lines + 1))
  while [ "$(wc -l <"$replies")" -lt $lines ]; do
    kill -0 $! || exit 1
    sleep 0.05
  done
  line=$(sed -n "${lines}p" "$replies")
}

# Sends a command and reads its reply.
tell() {
  printf '%s\n' "$1" >&3
  reply
  case $line in *'"ok":true'*) return ;; esac
  printf '%s\n' "$line" >&2
  exit 1
}

# The value of a field, a number or plain text. With jq: jq -r .udp
field() { printf '%s\n' "$facts" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

reply
facts=$line
address=$(field address)
dig +short "@$address" -p "$(field udp)" www.example.test
kdig +short "@$address" -p "$(field tls)" "+tls-ca=$folder/ca.pem" www.example.test

tell '{"command":"add-record","zone":"example.test","record":"www 60 AAAA 2001:db8::80"}'
dig +short "@$address" -p "$(field udp)" www.example.test AAAA

# Now the answer over UDP is truncated, so dig asks again over TCP.
tell '{"command":"add-faults","faults":[{"fault":"truncate","transport":"udp"}]}'
dig +short "@$address" -p "$(field udp)" www.example.test
tell '{"command":"wait-for-query","match":{"name":"www.example.test","transport":"tcp"}}'
