#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An app that says what it sees of its keys, but not the keys: version @VERSION@ of @NAME@.
set -eu
echo "key=$(keyctl pipe "$(keyctl request2 dstack app:/data "" @s)" | sha256sum | cut -c1-64)"
echo "env=${TOKEN:-none}"
echo "version=@VERSION@"
exec sleep infinity
