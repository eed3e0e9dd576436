# SPDX-License-Identifier: Apache-2.0
"""An authorization API for tests (spec/kms 4.5), wrong in one way when told so.

usage: fake_auth.py FOLDER ADDRESS [CERT KEY]    (ADDRESS: a port of 127.0.0.1, 0 for any, or the path of a Unix socket)

FOLDER/answer is read for every request: "allow [GATEWAY]", "deny REASON", or a fault. FOLDER/asked gets one line for each:
path and body. Prints the port, then "READY".
"""
import http.server
import json
import os
import socketserver
import ssl
import sys

folder, address = sys.argv[1:3]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def address_string(self):
        return 'peer'

    def reply(self, body, status=200):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        with open(os.path.join(folder, 'asked'), 'a') as f:
            f.write(self.path + ' ' + body.decode() + '\n')
        with open(os.path.join(folder, 'answer')) as f:
            what, _, text = f.read().rstrip('\n').partition(' ')
        if what == 'hold':  # a yes, once the test has opened FOLDER/go, a pipe
            with open(os.path.join(folder, 'go')) as f:
                f.read()
            what = 'allow'
        if self.command == 'GET' and what in ('allow', 'deny'):
            self.reply(json.dumps({'status': 'ok', 'kmsContractAddr': '0x' + 'cc' * 20, 'gatewayAppId': '0x' + 'AB' * 20,
                                   'chainId': 31337, 'appImplementation': '0x' + 'dd' * 20, 'ethRpcUrl': 'x'}).encode())
        elif what == 'allow':
            self.reply(json.dumps({'isAllowed': True, 'gatewayAppId': text, 'reason': ''}).encode())
        elif what == 'deny':
            self.reply(json.dumps({'isAllowed': False, 'gatewayAppId': '', 'reason': text}).encode())
        elif what == 'status':
            self.reply(b'{"isAllowed":true,"gatewayAppId":"","reason":""}', int(text))
        elif what == 'raw':
            self.reply(text.encode())
        elif what == 'big':
            self.reply(b'{"isAllowed":true,"gatewayAppId":"","reason":""' + b' ' * 70000 + b'}')
        elif what == 'chunked':  # as a proxy may pass a good answer on
            self.send_response(200)
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for piece in (b'{"isAllowed":true,', b'"gatewayAppId":"","reason":""}'):
                self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
            self.wfile.write(b'0\r\n\r\n')
        elif what == 'lie':  # a length that never comes
            self.send_response(200)
            self.send_header('Content-Length', '1000000')
            self.end_headers()
            self.wfile.write(b'{"isAllowed":true')
        elif what == 'hang':
            self.rfile.read(1)  # until the caller has had enough

    do_GET = do_POST = serve


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        s, _ = super().get_request()
        return s, ('unix', 0)


if address.isdigit():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', int(address)), Handler)
    server.daemon_threads = True
    if sys.argv[3:]:
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(*sys.argv[3:5])
        server.socket = ctx.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
else:
    server = UnixServer(address, Handler)
    print(0, flush=True)
print('READY', flush=True)
server.serve_forever()
