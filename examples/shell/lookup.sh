#!/bin/sh
# A nameserver for a script: `adotd fixture` runs while descriptor 3 is open, so until this script ends, however it does.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkfifo "$folder/hold"
${ADOTD:-adotd} fixture --zone "example.test=$here/example.test.zone" --ca-file "$folder/ca.pem" \
  <"$folder/hold" >"$folder/fixture.json" 3>&- &
exec 3>"$folder/hold"

# The line is whole when it ends; a server that cannot start ends instead.
while ! grep -q '}$' "$folder/fixture.json"; do
  kill -0 $! || exit 1
  sleep 0.05
done

# The value of a field that is a number or a plain text. With jq: jq -r .udp "$folder/fixture.json"
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$folder/fixture.json"; }

address=$(field address)
dig +short "@$address" -p "$(field udp)" www.example.test
kdig +short "@$address" -p "$(field tls)" "+tls-ca=$folder/ca.pem" www.example.test
