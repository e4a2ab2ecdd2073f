// Delivers a message with nodemailer over STARTTLS, logged in.
//
// Arguments: HOST PORT CA_FILE MESSAGE_FILE USER FROM TO...; the password is in SMTP_PASSWORD.
'use strict';

const fs = require('fs');
const nodemailer = require('nodemailer');

const [host, port, caFile, messageFile, user, from, ...to] = process.argv.slice(2);
const transport = nodemailer.createTransport({
    host,
    port: Number(port),
    name: 'client.example',
    requireTLS: true,
    tls: { ca: fs.readFileSync(caFile) },
    auth: { user, pass: process.env.SMTP_PASSWORD },
    logger: true,
    debug: true,
});

transport.sendMail({ envelope: { from, to }, raw: fs.readFileSync(messageFile) }, (error, sent) => {
    transport.close();
    if (error || sent.rejected.length > 0) {
        console.error(error || sent.rejected);
        process.exitCode = 1;
    }
});
