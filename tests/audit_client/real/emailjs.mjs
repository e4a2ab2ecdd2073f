// Delivers a message of its own with emailjs over STARTTLS, logged in: it takes no finished message, so the text is that of
// {message}. Everything is in the environment, as `smtp-script audit-client` gives it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const found = createRequire(`${process.env.CLIENT_MODULES}/`).resolve('emailjs');
const { SMTPClient } = await import(pathToFileURL(found));
const { SMTP_HOST, SMTP_PORT, SMTP_CA, SMTP_USER, SMTP_PASSWORD, SMTP_FROM, SMTP_TO, SMTP_MESSAGE } = process.env;

const client = new SMTPClient({
    host: SMTP_HOST,
    port: Number(SMTP_PORT),
    user: SMTP_USER,
    password: SMTP_PASSWORD,
    tls: { ca: readFileSync(SMTP_CA) },
    domain: 'client.example',
    timeout: 10000,
});
const [, text] = readFileSync(SMTP_MESSAGE, 'utf8').split(/\r\n\r\n(.*)/s);
try {
    await client.sendAsync({ from: SMTP_FROM, to: SMTP_TO, subject: 'smtp-script audit', text });
} catch (error) {
    console.error(error);
    process.exitCode = 1;
}
