// A mail server that others wrote: `smtp-server` takes the mails, `mailparser` reads them. It says on standard output what
// it was given, a line of JSON each, and answers as standard input tells it to.

import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

const told = JSON.parse(process.env.WORLD);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// What the next mails are answered: { code, at: 'rcpt' | 'data', times }.
let refusal = null;
const refuse = (at) => {
  if (!refusal || refusal.at !== at || refusal.times === 0) return null;
  refusal.times -= 1;
  say({ refused: refusal.code });
  return Object.assign(new Error('not today'), { responseCode: refusal.code });
};

const server = new SMTPServer({
  logger: false,
  disableReverseLookup: true,
  hideSTARTTLS: told.encryption === 'none',
  secure: told.encryption === 'tls',
  ...(told.key ? { key: readFileSync(told.key), cert: readFileSync(told.certificate) } : {}),
  hideSMTPUTF8: told.hideSmtputf8 ?? false,
  authOptional: !told.username,
  disabledCommands: told.username ? [] : ['AUTH'],
  onConnect: (session, done) => {
    say({ connected: true });
    done();
  },
  onAuth: ({ username, password }, session, done) => {
    const good = username === told.username && password === told.password;
    done(good ? null : new Error('no'), good ? { user: username } : undefined);
  },
  onRcptTo: (address, session, done) => done(refuse('rcpt')),
  onData: (stream, session, done) => {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', async () => {
      const error = refuse('data');
      if (error) return done(error);
      const raw = Buffer.concat(parts);
      const mail = await simpleParser(raw);
      const headers = Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line]));
      const { mailFrom, rcptTo } = session.envelope;
      say({
        mail: {
          from: mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: session.user ?? null,
          sender: mail.from.text,
          subject: mail.subject,
          text: mail.text,
          html: mail.html || null,
          headers,
          raw: raw.toString('utf8'),
        },
      });
      return done(null, 'taken');
    });
  },
});
server.on('error', (error) => say({ error: error.message }));
server.listen(told.port ?? 0, '127.0.0.1', () => say({ ready: true, port: server.server.address().port }));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    refusal = JSON.parse(line);
    say({ answers: true });
  })
  .on('close', () => process.exit(0));
