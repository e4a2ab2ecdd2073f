// The server that tests/servers/smtp-server runs: smtp-server.js PORT CERTIFICATES LOGIN PASSWORD DOMAIN
const { readFileSync } = require('node:fs');
const { SMTPServer } = require('smtp-server');

const [port, certificates, login, password, domain] = process.argv.slice(2);
const local = [login, 'john', 'postmaster'].map((name) => `${name}@${domain}`).concat('postmaster');

const refusal = (responseCode, text) => Object.assign(new Error(text), { responseCode });

new SMTPServer({
    name: 'localhost',
    key: readFileSync(`${certificates}/server.key`),
    cert: readFileSync(`${certificates}/server.pem`),
    authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
    allowInsecureAuth: true,
    authOptional: true,
    disableReverseLookup: true,
    size: 1048576,
    socketTimeout: 8000,

    onAuth(auth, session, done) {
        const right = auth.method === 'CRAM-MD5' ? auth.validatePassword(password) : auth.password === password;
        done(right && auth.username === login ? null : new Error('wrong name or password'), { user: login });
    },

    onRcptTo({ address }, session, done) {
        const mailbox = address.toLowerCase().replace(/^"(\w+)"@/, '$1@');
        if (session.user || local.includes(mailbox)) {
            done();
        } else if (mailbox.endsWith(`@${domain}`)) {
            done(refusal(550, 'no such user'));
        } else {
            done(refusal(554, 'relay access denied'));
        }
    },

    onData(stream, session, done) {
        stream.on('end', () => done(stream.sizeExceeded ? refusal(552, 'message too large') : null)).resume();
    },
})
    .on('error', (error) => console.error(error.message))
    .listen(Number(port), '127.0.0.1');
