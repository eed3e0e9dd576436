# SPDX-License-Identifier: Apache-2.0
"""Turn a collateral file into the answers of a service, for fake_pcs.py: pcs_shape.py COLLATERAL.json FOLDER"""
import json
import os
import sys
import urllib.parse

with open(sys.argv[1], encoding='utf-8') as f:
    c = json.load(f)


def put(name, body, header, chain):
    with open(os.path.join(sys.argv[2], name + '.body'), 'wb') as out:
        out.write(body)
    with open(os.path.join(sys.argv[2], name + '.headers'), 'w', encoding='ascii') as out:
        if header:
            out.write('%s: %s\n' % (header, urllib.parse.quote(chain.rstrip('\0'), safe='+/=')))


def signed(key, text, sig):
    return ('{"%s":%s,"signature":"%s"}' % (key, text, sig)).encode()


put('tcb', signed('tcbInfo', c['tcb_info'], c['tcb_info_signature']), 'TCB-Info-Issuer-Chain', c['tcb_info_issuer_chain'])
put('qe-identity', signed('enclaveIdentity', c['qe_identity'], c['qe_identity_signature']),
    'SGX-Enclave-Identity-Issuer-Chain', c['qe_identity_issuer_chain'])
put('pckcrl', bytes.fromhex(c['pck_crl']), 'SGX-PCK-CRL-Issuer-Chain', c['pck_crl_issuer_chain'])
put('rootcrl', c['root_ca_crl'].encode(), None, None)
put('rootder', bytes.fromhex(c['root_ca_crl']), None, None)
