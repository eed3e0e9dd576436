# SPDX-License-Identifier: Apache-2.0
"""What a dstack app would send to a verifier, for tests: app_request.py EMUL-QE KEY MRTD REPORT-DATA OUT.json

Makes an event log and a quote over it; OUT.json holds quote, event_log, vm_config as GetQuote's reply does, OUT.json.att
the attestation blob as Attest's does.
"""
import hashlib
import json
import struct
import subprocess
import sys

qe, key, mrtd, report_data, out = sys.argv[1:6]
RUNTIME = 0x08000001
events = [
    ('system-preparing', b''),
    ('app-id', bytes.fromhex('11' * 20)),
    ('compose-hash', bytes.fromhex('33' * 32)),
    ('instance-id', bytes.fromhex('22' * 20)),
    ('boot-mr-done', b''),
    ('os-image-hash', bytes.fromhex('55' * 32)),
    ('key-provider', b'{"name":"kms","id":"' + b'3059' * 80 + b'"}'),
    ('system-ready', b''),
]


def digest(name, payload):
    return hashlib.sha384(struct.pack('<I', RUNTIME) + b':' + name.encode() + b':' + payload).digest()


rtmr3 = bytes(48)
for n, p in events:
    rtmr3 = hashlib.sha384(rtmr3 + digest(n, p)).digest()
report = subprocess.run([qe, 'tdreport', '--mrtd', mrtd, '--rtmr3', rtmr3.hex(), '--report-data', report_data, '--out', '-'],
                        stdout=subprocess.PIPE, check=True).stdout
quote = subprocess.run([qe, 'quote', '--key', key, '--tdreport', '-', '--out', '-'], input=report,
                       stdout=subprocess.PIPE, check=True).stdout
log = [{'imr': 3, 'event_type': RUNTIME, 'digest': digest(n, p).hex(), 'event': n, 'event_payload': p.hex()} for n, p in events]
vm_config = '{"os_image_hash":"%s"}' % ('55' * 32)
with open(out, 'w', encoding='ascii') as f:
    json.dump({'quote': quote.hex(), 'event_log': json.dumps(log), 'report_data': report_data, 'vm_config': vm_config}, f)


def compact(n):
    if n < 64:
        return bytes([n << 2])
    return struct.pack('<H', n << 2 | 1) if n < 1 << 14 else struct.pack('<I', n << 2 | 2)


def blob(b):
    return compact(len(b)) + b


body = b'\x00\x00' + blob(quote) + compact(len(events))
for n, p in events:
    body += struct.pack('<II', 3, RUNTIME) + blob(digest(n, p)) + blob(n.encode()) + blob(p)
body += compact(len(events)) + b''.join(blob(n.encode()) + blob(p) for n, p in events)
body += bytes.fromhex(report_data) + blob(vm_config.encode())
with open(out + '.att', 'w', encoding='ascii') as f:
    json.dump({'attestation': body.hex()}, f)
