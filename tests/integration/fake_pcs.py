# SPDX-License-Identifier: Apache-2.0
"""A collateral service for tests: documents of a folder in PCS shape, over TLS, wrong in one way when told so.

usage: fake_pcs.py FOLDER CERT KEY    (CERT -: plain HTTP)

FOLDER/NAME.body and NAME.headers for tcb, qe-identity, pckcrl, rootcrl; FOLDER/fault holds lines "NAME FAULT" and is
read for every request; FOLDER/requests gets a line for each. Prints the port, then "READY".
"""
import http.server
import os
import socket
import ssl
import sys

folder, cert, key = sys.argv[1:4]
PATHS = {
    '/tdx/certification/v4/tcb': 'tcb',
    '/tdx/certification/v4/qe/identity': 'qe-identity',
    '/sgx/certification/v4/pckcrl': 'pckcrl',
    '/sgx/certification/v4/rootcacrl': 'rootcrl',
    '/IntelSGXRootCA.der': 'rootder',
}


def read(name):
    with open(os.path.join(folder, name), 'rb') as f:
        return f.read()


def fault_of(name):
    try:
        for line in read('fault').decode().splitlines():
            which, _, what = line.partition(' ')
            if which in (name, 'all'):
                return what
    except FileNotFoundError:
        pass
    return ''


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):
        with open(os.path.join(folder, 'requests'), 'a') as f:
            f.write(self.path + '\n')
        name = PATHS.get(self.path.split('?')[0])
        fault = fault_of(name)
        self.close_connection = True
        if not name or fault.isdigit():
            self.send_error(int(fault or 404))
            return
        if fault == 'redirect':
            self.send_response(302)
            self.send_header('Location', self.path)
            self.end_headers()
            return
        body, headers = self.content(name, fault)
        if fault == 'slow':
            self.wfile.write(b'HTTP/1.1 200 OK\r\n')
            self.connection.settimeout(30)
            try:
                self.connection.recv(1)  # the client hangs up first
            except OSError:
                pass
            return
        self.send_response(200)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(body) + (10 if fault == 'short' else 0)))
        self.send_header('Connection', 'close')
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def content(self, name, fault):
        body = read(name + '.body')
        headers = [h.split(': ', 1) for h in read(name + '.headers').decode().splitlines()]
        if fault == 'oversize':
            body += b' ' * (1 << 20)
        elif fault == 'html':
            body = b'<html>busy</html>'
        elif fault == 'cut':
            body = body[:-1]
        elif fault == 'noheader':
            headers = [h for h in headers if not h[0].endswith('Issuer-Chain')]
        elif fault == 'twoheaders':
            headers += [(h[0], h[1] + 'x') for h in headers if h[0].endswith('Issuer-Chain')]
        elif fault == 'alias':
            headers = [(h[0].replace('TCB-Info', 'sgx-tcb-info'), h[1]) for h in headers]
        elif fault == 'badescape':
            headers = [(h[0], h[1] + '%0') for h in headers]
        elif fault == 'manyheaders':
            headers += [('X-%d' % i, 'x' * 1000) for i in range(90)]
        elif fault == 'flip':
            body = body.replace(b'"version"', b'"Version"', 1)
        elif fault == 'otherchain':
            headers = [(h[0], read('other.chain').decode().strip()) if h[0].endswith('Issuer-Chain') else h for h in headers]
        return body, headers


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET

    def handle_error(self, *_):
        pass


server = Server(('127.0.0.1', 0), Handler)
if cert != '-':
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], 'READY', flush=True)
server.serve_forever()
