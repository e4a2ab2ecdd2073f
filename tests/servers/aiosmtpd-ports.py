"""The server that tests/servers/aiosmtpd runs; its ports are described there."""

import argparse
import asyncio
import functools
import mailbox
import pathlib
import ssl

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

IDLE_SECONDS = 8


class Deliveries:
    """Accepts the local users' mail, and any mail of a client that logged in."""

    def __init__(self, directory, domain, users):
        self.box = mailbox.Maildir(directory)
        self.domain = domain
        self.users = users

    async def handle_RCPT(self, server, session, envelope, address, options):
        user, _, domain = address.rpartition("@")
        if domain.lower() != self.domain:
            if not session.authenticated:
                return "554 5.7.1 relay access denied"
        elif user.lower() not in self.users:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        self.box.add(envelope.content)
        return "250 2.0.0 stored"


def authenticator(login, password):
    expected = LoginPassword(login.encode(), password.encode())

    def check(server, session, envelope, mechanism, given):
        return AuthResult(success=given == expected, handled=False)

    return check


def certificate(directory, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


def asking_for_certificate(directory):
    context = certificate(directory, "server")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(directory / "ca.pem")
    return context


def listeners(options):
    """For each port, in order: what makes its protocol, and its implicit TLS if any."""
    common = {
        "handler": Deliveries(options.directory / "mail", options.domain, {options.login, "john", "postmaster"}),
        "hostname": "localhost",
        "ident": "aiosmtpd",
        "enable_SMTPUTF8": True,
        "data_size_limit": options.size_limit,
        "authenticator": authenticator(options.login, options.password),
        "timeout": IDLE_SECONDS,
    }
    smtp = functools.partial(SMTP, auth_require_tls=False, **common)
    server = certificate(options.certificates, "server")
    strict = functools.partial(
        SMTP, tls_context=server, require_starttls=True, auth_required=True, **common
    )
    return [
        (functools.partial(smtp, tls_context=server), None),
        (smtp, server),
        (strict, None),
        (functools.partial(LMTP, **common), None),
        (functools.partial(smtp, tls_context=certificate(options.certificates, "expired")), None),
        (functools.partial(smtp, tls_context=certificate(options.certificates, "wrong-name")), None),
        (functools.partial(smtp, tls_context=asking_for_certificate(options.certificates)), None),
    ]


async def serve(options):
    loop = asyncio.get_running_loop()
    for port, (protocol, tls) in zip(options.ports, listeners(options), strict=True):
        await loop.create_server(functools.partial(protocol, loop=loop), "127.0.0.1", port, ssl=tls)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--certificates", type=pathlib.Path, required=True)
    parser.add_argument("--login", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--size-limit", type=int, required=True)
    parser.add_argument("ports", type=int, nargs="+")
    asyncio.run(serve(parser.parse_args()))


main()
