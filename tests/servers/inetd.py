"""Runs a program that speaks on standard input and output, once for each connection: inetd.py PORT PROGRAM ARGUMENT..."""

import socketserver
import subprocess
import sys


class Session(socketserver.BaseRequestHandler):
    def handle(self):
        subprocess.run(sys.argv[2:], stdin=self.request, stdout=self.request, check=False)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
