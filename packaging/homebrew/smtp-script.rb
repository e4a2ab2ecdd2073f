# A template: the release puts @VERSION@ and the digests in. For a tap, as Formula/smtp-script.rb.
class SmtpScript < Formula
  desc "Plays scripted SMTP conversations, expect-style"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "@DOWNLOADS@/smtp-script-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256_AARCH64_APPLE_DARWIN@"
    end
    on_intel do
      url "@DOWNLOADS@/smtp-script-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256_X86_64_APPLE_DARWIN@"
    end
  end

  on_linux do
    on_arm do
      url "@DOWNLOADS@/smtp-script-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256_AARCH64_UNKNOWN_LINUX_GNU@"
    end
    on_intel do
      url "@DOWNLOADS@/smtp-script-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256_X86_64_UNKNOWN_LINUX_GNU@"
    end
  end

  def install
    bin.install "smtp-script"
    generate_completions_from_executable(bin/"smtp-script", "completions")
    system bin/"smtp-script", "man", "--dir", "man"
    man1.install Dir["man/*.1"]
  end

  test do
    assert_match "1 followed", shell_output("#{bin}/smtp-script run sendgrid-auth-login --sandbox")
  end
end
