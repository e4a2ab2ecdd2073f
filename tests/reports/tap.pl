# Reads TAP as `prove` does and prints what it found: the points, and what is wrong with the document.
# Debian 12's TAP::Parser does not know version 14 yet: it is told that this is version 13.
use strict;
use warnings;
use TAP::Parser;

open my $file, "<", $ARGV[0] or die "$ARGV[0]: $!";
my $tap = do { local $/; <$file> };
$tap =~ s/\ATAP version 14\n/TAP version 13\n/ or print "fault no version 14\n";
my $parser = TAP::Parser->new({ tap => $tap });
while (my $result = $parser->next) {
    print $result->is_ok ? "ok " : "not ok ", $result->description, "\n" if $result->is_test;
    print "message ", $result->data->{message}, "\n" if $result->is_yaml && $result->data->{message};
    print "bailout\n" if $result->is_bailout;
}
print "fault $_\n" for $parser->parse_errors;
