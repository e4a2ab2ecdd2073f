"""Delivers a message with Python's smtplib over STARTTLS, logged in.

Arguments: HOST PORT CA_FILE MESSAGE_FILE USER FROM TO...; the password is in SMTP_PASSWORD.
"""

import os
import smtplib
import ssl
import sys

host, port, ca_file, message_file, user, sender, *recipients = sys.argv[1:]
with open(message_file, "rb") as file:
    message = file.read()
with smtplib.SMTP(host, int(port), local_hostname="client.example", timeout=30) as client:
    client.set_debuglevel(1)
    client.starttls(context=ssl.create_default_context(cafile=ca_file))
    client.login(user, os.environ["SMTP_PASSWORD"])
    refused = client.sendmail(sender, recipients, message)
    if refused:
        sys.exit(f"refused: {refused}")
