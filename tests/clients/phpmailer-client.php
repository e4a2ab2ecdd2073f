<?php
// Delivers a message with the SMTP class of PHPMailer over STARTTLS, logged in, and prints its debug output.
//
// Arguments: HOST PORT CA_FILE MESSAGE_FILE USER FROM TO...; the password is in SMTP_PASSWORD.
declare(strict_types=1);

require '/usr/share/php/libphp-phpmailer/autoload.php';

[, $host, $port, $caFile, $messageFile, $user, $from] = $argv;
$recipients = array_slice($argv, 7);

$smtp = new PHPMailer\PHPMailer\SMTP();
$smtp->do_debug = PHPMailer\PHPMailer\SMTP::DEBUG_CONNECTION;
$smtp->Debugoutput = 'echo';

$sent = $smtp->connect($host, (int) $port, 10, ['ssl' => ['cafile' => $caFile]])
    && $smtp->hello('client.example')
    && $smtp->startTLS()
    && $smtp->hello('client.example')
    && $smtp->authenticate($user, getenv('SMTP_PASSWORD'))
    && $smtp->mail($from);
foreach ($recipients as $to) {
    $sent = $sent && $smtp->recipient($to);
}
// It ends each line by itself, the last one too.
$sent = $sent && $smtp->data(substr(file_get_contents($messageFile), 0, -2));
$smtp->quit();
exit($sent ? 0 : 1);
