"""A client of `tests/echoes`: logs in, and says what its files of echoes hold next, to the server and on its own output."""

import base64
import os
import socket
import sys

NUMBER, ECHOES = sys.argv[1:3]
AT_ONCE = 9


def next_echoes():
    """The next ones, by a file that counts."""
    with open(ECHOES, "rb") as file:
        echoes = [line for line in file.read().split(b"\n") if line]
    start = os.path.getsize(NUMBER) if os.path.exists(NUMBER) else 0
    with open(NUMBER, "ab") as file:
        file.write(b"." * AT_ONCE)
    return [echoes[at % len(echoes)] for at in range(start, start + AT_ONCE)]


echoes = next_echoes()
for echo in echoes:
    sys.stderr.buffer.write(b"client: " + echo.replace(b"|", b"\n") + b"\n")
sys.stderr.flush()
password = os.environ["SMTP_PASSWORD"].encode()
login = base64.b64encode(b"\0mary\0" + password)
with socket.create_connection((os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])), timeout=5) as connection:
    replies = connection.makefile("rb")
    lines = [b"EHLO client.example", b"AUTH PLAIN " + login] + [b"NOOP " + echo for echo in echoes]
    for line in lines:
        while True:
            reply = replies.readline()
            if not reply:
                sys.exit(1)
            if reply[3:4] != b"-":
                break
        connection.sendall(line.replace(b"|", b"\r\n") + b"\r\n")
sys.exit(1)
