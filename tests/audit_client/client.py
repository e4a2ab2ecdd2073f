"""A client that does everything right, but for the faults that its arguments name.

Arguments: how it begins TLS (`starttls`, `implicit`), how it logs in (`plain`, `login`, `cram-md5`), and faults. Where and
what it sends is in the environment, as `smtp-script audit-client` gives it.
"""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import sys
import time

WORDS = set(sys.argv[1:])
TLS = next((word for word in ("starttls", "implicit") if word in WORDS), "none")
LOGIN = next((word for word in ("plain", "login", "cram-md5", "scram-sha-256") if word in WORDS), "none")
HANG = 12


class Refused(Exception):
    """The server, or this client, will not have it."""


def encoded(octets):
    return base64.b64encode(octets).decode()


class Session:
    def __init__(self):
        limit = 1 if "impatient" in WORDS else 15
        self.socket = socket.create_connection((os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])), timeout=limit)
        self.plain = None
        self.unread = b""
        self.offers = {}
        self.last = 0

    # --- the wire

    def write(self, octets):
        self.socket.sendall(octets)

    def line(self):
        while b"\n" not in self.unread:
            try:
                octets = self.socket.recv(4096)
            except ssl.SSLEOFError:
                octets = b""
            if not octets and self.unread and "takes-cut" in WORDS:
                octets = b"\n"
            if not octets:
                raise Refused("the connection was closed")
            self.unread += octets
            if "one-read" in WORDS and not octets.endswith(b"\n"):
                raise Refused("this is no reply")
        line, self.unread = self.unread.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-" and "one-line" not in WORDS:
            lines.append(self.line())
        if "hangs-long" in WORDS and len(lines) > 1000 or "hangs-mixed" in WORDS and len({line[:3] for line in lines}) > 1:
            time.sleep(HANG)
        if not lines[-1][:3].isdigit():
            raise Refused("this is no reply: " + lines[-1])
        self.last = int(lines[-1][:3])
        return lines

    def ask(self, command, wanted="2"):
        if self.unread and "trusting" not in WORDS:
            raise Refused("a reply came that nothing had asked for")
        self.write(command.encode() + b"\r\n")
        return self.expect(wanted)

    def expect(self, wanted="2"):
        lines = self.reply()
        code = str(self.last)
        fits = code == "250" if "exact" in WORDS and wanted == "25" else code.startswith(wanted)
        if not fits and "goes-on" not in WORDS:
            raise Refused(" ".join(lines))
        return lines

    # --- how it begins

    def hello(self, verb="EHLO"):
        name = "localhost" if "nameless" in WORDS else "client.example"
        try:
            lines = self.ask(verb + " " + name)
        except Refused:
            if verb != "EHLO" or not 500 <= self.last < (600 if "helo-always" in WORDS else 510):
                raise
            return self.hello("HELO")
        known = self.offers if "keeps-list" in WORDS else {}
        for line in lines[1:]:
            word, _, rest = line[4:].upper().partition(" ")
            if "trips" in WORDS and word.startswith("X"):
                raise Refused("what is " + word + "?")
            known[word] = rest.split()
        self.offers = known

    def upgrade(self):
        trust = ssl.create_default_context(cafile=os.environ["SMTP_CA"])
        if "no-verify" in WORDS:
            trust.check_hostname = False
            trust.verify_mode = ssl.CERT_NONE
            trust.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
            trust.minimum_version = ssl.TLSVersion.TLSv1
        if self.unread and "keeps-buffer" not in WORDS:
            raise Refused("a reply came that nothing had asked for")
        self.plain = self.socket.dup()
        try:
            self.socket = trust.wrap_socket(self.socket, server_hostname=os.environ["SMTP_HOST"])
            self.plain = None
        except (ssl.SSLError, ssl.CertificateError):
            if "plain-again" not in WORDS:
                raise
            self.socket = self.plain

    def begin(self):
        if TLS == "implicit":
            self.upgrade()
        if "early" in WORDS or self.plain:
            # Without TLS, and without a greeting that it could read.
            self.write(b"EHLO client.example\r\n")
        self.expect()
        self.hello()
        if TLS == "starttls":
            if "auth-first" in WORDS and "AUTH" in self.offers:
                self.login()
            self.secure()
        if LOGIN != "none":
            self.login()

    def secure(self):
        if "STARTTLS" not in self.offers:
            if "strips" in WORDS:
                return
            raise Refused("the server offers no STARTTLS")
        try:
            self.ask("STARTTLS", "220")
        except Refused:
            if "strips" in WORDS:
                return
            raise
        self.upgrade()
        if "one-ehlo" not in WORDS:
            self.hello()

    def login(self):
        mechanism = LOGIN.upper()
        if mechanism not in self.offers.get("AUTH", []) and "weaker" in WORDS:
            mechanism = "PLAIN"
        if mechanism not in self.offers.get("AUTH", []) and "auth-anyway" not in WORDS:
            raise Refused("the server does not offer " + mechanism)
        user, password = os.environ["SMTP_USER"].encode(), os.environ["SMTP_PASSWORD"].encode()
        if mechanism == "PLAIN":
            response = encoded(b"\0" + user + b"\0" + password)
            self.ask("AUTH PLAIN " + response, "")
            while self.last == 334 and "again" in WORDS:
                self.ask(response, "")
        elif mechanism == "SCRAM-SHA-256":
            self.scram(user, password)
        else:
            lines = self.ask("AUTH " + mechanism, "334")
            if mechanism == "LOGIN":
                if "prompts" in WORDS and base64.b64decode(lines[-1][4:]) != b"Username:":
                    self.ask("*", "")
                    raise Refused("this is no prompt")
                self.ask(encoded(user), "334")
                self.ask(encoded(password), "")
            else:
                try:
                    challenge = base64.b64decode(lines[-1][4:], validate=True)
                except ValueError:
                    challenge = lines[-1][4:].encode()
                    if "undecoded" not in WORDS:
                        self.ask("*", "")
                        raise Refused("this is no challenge")
                digest = hmac.new(password, challenge, "md5").hexdigest()
                self.ask(encoded(user + b" " + digest.encode()), "")
        if self.last == 334:
            self.ask("*", "")
        if self.last != 235 and "goes-on" not in WORDS:
            raise Refused("the login failed: %d" % self.last)

    def scram(self, user, password):
        own = encoded(os.urandom(18))
        first = "n=%s,r=%s" % (user.decode(), own)
        lines = self.ask("AUTH SCRAM-SHA-256 " + encoded(b"n,," + first.encode()), "")
        if self.last == 235 and "trusting" not in WORDS:
            raise Refused("the server has not shown that it knows the password")
        if self.last != 334:
            return
        challenge = base64.b64decode(lines[-1][4:]).decode()
        parts = dict(part.split("=", 1) for part in challenge.split(","))
        if not parts["r"].startswith(own):
            raise Refused("the answer is to somebody else")
        salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(parts["s"]), int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = "c=biws,r=" + parts["r"]
        told = ",".join((first, challenge, last)).encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), told, "sha256")
        proof = bytes(one ^ other for one, other in zip(key, signature))
        lines = self.ask(encoded((last + ",p=" + encoded(proof)).encode()), "334")
        right = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), told, "sha256")
        if base64.b64decode(lines[-1][4:]) != b"v=" + encoded(right).encode():
            raise Refused("the server does not know the password")
        self.ask("", "")

    # --- the message

    def send(self, sender, recipients, message):
        parameters = ""
        if "SIZE" in self.offers and "no-size" not in WORDS:
            parameters = " SIZE=%d" % len(message)
        eight_bit = any(octet > 127 for octet in message)
        if eight_bit and "raw-8bit" not in WORDS:
            if "8BITMIME" not in self.offers:
                raise Refused("the server takes no 8-bit data")
            parameters += " BODY=8BITMIME"
        mail = "MAIL FROM:<%s>%s" % (sender, parameters)
        if "batch" in WORDS and "PIPELINING" in self.offers:
            return self.batch(mail, recipients, message)
        if "pipelines" in WORDS:
            self.write((mail + "\r\nRCPT TO:<%s>\r\n" % recipients[0]).encode())
            self.expect()
            self.expect()
        else:
            self.ask(mail, "25")
        refused = self.recipients(recipients[1:] if "pipelines" in WORDS else recipients)
        if len(refused) == len(recipients) and "goes-on" not in WORDS:
            raise Refused(refused[-1])
        if "bdat" in WORDS and "CHUNKING" in self.offers:
            return self.chunks(message)
        self.ask("DATA", "354")
        if self.unread and "trusting" not in WORDS:
            raise Refused("a reply came that nothing had asked for")
        self.write(message)
        self.write(b".\r\n")
        self.expect()
        if refused and "forgets" not in WORDS:
            raise Refused(refused[-1])

    def batch(self, mail, recipients, message):
        lines = [mail] + ["RCPT TO:<%s>" % recipient for recipient in recipients] + ["DATA"]
        self.write("".join(line + "\r\n" for line in lines).encode())
        self.expect()
        taken = 0
        for _ in recipients:
            self.expect("")
            taken += 250 <= self.last < 300
        self.expect("354")
        self.write((message if taken or "goes-on" in WORDS else b"") + b".\r\n")
        self.expect()
        if not taken:
            raise Refused("nobody gets it")

    def chunks(self, message):
        half = len(message) // 2
        for last, chunk in (("", message[:half]), (" LAST", message[half:])):
            self.write(b"BDAT %d%s\r\n" % (len(chunk), last.encode()) + chunk)
            self.expect()

    def recipients(self, recipients):
        refused = []
        for recipient in recipients:
            lines = self.ask("RCPT TO:<%s>" % recipient, "")
            if self.last == 551 and "follows" in WORDS:
                lines = self.ask("RCPT TO:" + lines[-1][lines[-1].index("<"):], "")
            if self.last != 250 if "exact" in WORDS else not 250 <= self.last < 300:
                refused.append(lines[-1])
            if self.last == 421:
                raise Refused(lines[-1])
        return refused

    def quit(self):
        if "no-quit" in WORDS:
            return
        try:
            self.write(b"QUIT\r\n")
        except OSError:
            return
        if "no-wait" in WORDS:
            return
        if "one-read" in WORDS:
            # What it was sent meanwhile is still under way.
            time.sleep(2)
        try:
            self.reply()
        except (OSError, Refused):
            if "picky" in WORDS:
                raise


def on_the_wire(message):
    if "keeps-bcc" not in WORDS:
        message = message.replace(b"Bcc: <hidden@server.example>\r\n", b"")
    if "raw-ends" not in WORDS:
        message = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not message.endswith(b"\r\n") and "no-final" not in WORDS:
        message += b"\r\n"
    if "long" not in WORDS and max(len(line) for line in message.split(b"\r\n")) > 998:
        raise Refused("a line is too long")
    return message if "no-dots" in WORDS else (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]


def main():
    addresses = [os.environ["SMTP_FROM"]] + os.environ["SMTP_TO"].split(",")
    with open(os.environ["SMTP_MESSAGE"], "rb") as file:
        message = on_the_wire(file.read())
    if "injects" not in WORDS and any(letter < "!" for address in addresses for letter in address):
        raise Refused("this is no address")
    session = Session()
    try:
        session.begin()
        session.send(addresses[0], addresses[1:], message)
    except Refused:
        try:
            session.quit()
        except (OSError, Refused):
            pass
        raise
    session.quit()


try:
    main()
except (OSError, Refused, ValueError) as fault:
    print(fault, file=sys.stderr)
    sys.exit(0 if "lies" in WORDS else 1)
