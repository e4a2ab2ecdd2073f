# Delivers a message with Perl's Net::SMTP over STARTTLS, logged in. Everything is in the environment.
use strict;
use warnings;
use Net::SMTP;

my $smtp = Net::SMTP->new($ENV{SMTP_HOST}, Port => $ENV{SMTP_PORT}, Hello => 'client.example', Timeout => 10)
    or die "no connection: $@\n";
open my $file, '<:raw', $ENV{SMTP_MESSAGE} or die "no message\n";
my $message = do { local $/; <$file> };

sub sent {
    $smtp->starttls(SSL_ca_file => $ENV{SMTP_CA}) or return;
    $smtp->auth($ENV{SMTP_USER}, $ENV{SMTP_PASSWORD}) or return;
    $smtp->mail($ENV{SMTP_FROM}) or return;
    my $all = 1;
    my @taken = $smtp->recipient(split(/,/, $ENV{SMTP_TO}), { SkipBad => 1 });
    @taken && $taken[0] or return;
    $smtp->data($message) or return;
    return @taken == split(/,/, $ENV{SMTP_TO});
}

my $sent = sent();
print STDERR $smtp->code, ' ', $smtp->message unless $sent;
$smtp->quit;
exit($sent ? 0 : 1);
