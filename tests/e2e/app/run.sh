#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo app: an HTTPS server whose key was made in this VM and certified through the KMS for this app.
#   GET /           what the app sees of its key, as JSON
#   GET /evidence   the reply of GetQuote: a quote and the log it covers
set -eu
umask 077
mkdir -p /run/app
cd /run/app
app_id=$(dstack-agent call Info | sed -n 's/.*"app_id":"\([0-9a-f]*\)".*/\1/p')
dstack-agent tls-key --out /run/app --subject demo --alt-name "$app_id-8443s.@BASE@" --server --ra-tls --app-info
cat >handler.sh <<'HANDLER'
read -r method path version || exit 0
while read -r line && [ "${line%$'\r'}" ]; do :; done
reply() { # STATUS BODY
	printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$1" "${#2}" "$2"
}
case "$method $path" in
"GET /")
	# the kernel derives the key; it never touches a file
	id=$(keyctl request2 dstack app:/demo "" @s)
	mine=$(keyctl pipe "$id" | sha256sum | cut -c1-64)
	socket=$(dstack-agent call GetKey '{"path":"/demo"}' | sed -n 's/.*"key":"\([0-9a-f]*\)".*/\1/p' | xxd -r -p | sha256sum | cut -c1-64)
	root=$(sed -n 's/^\([0-9a-f]*\) .* root:k256.*/\1/p' /proc/keys)
	if [ -z "$root" ]; then
		said="no root key to be seen"
	elif said=$(keyctl pipe "0x$root" 2>&1 >/dev/null); then
		said="READ"
	else
		said="refused: ${said##*: }"
	fi
	# the key holder has an id of its own; not even root may look into it
	holder="not found"
	for p in /proc/[0-9]*; do
		grep -q '^Uid:.65533' "$p/status" 2>/dev/null || continue
		holder=opened
		said2=$( (: <"$p/mem") 2>&1) || holder="refused: ${said2##*: }"
	done
	reply "200 OK" "{\"app\":\"demo\",\"keyctl_sha256\":\"$mine\",\"getkey_sha256\":\"$socket\",\"root_key_read\":\"$said\",\"key_holder_memory\":\"$holder\"}"
	;;
"GET /evidence")
	reply "200 OK" "$(dstack-agent call GetQuote '{"report_data":"64656d6f"}')"
	;;
*)
	reply "404 Not Found" '{"error":"not found"}'
	;;
esac
HANDLER
exec socat OPENSSL-LISTEN:8443,fork,reuseaddr,cert=chain.pem,key=key.pem,verify=0 EXEC:"/bin/bash /run/app/handler.sh"
