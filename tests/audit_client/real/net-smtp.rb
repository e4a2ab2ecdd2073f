# Delivers a message with Ruby's Net::SMTP over STARTTLS, logged in. Everything is in the environment.
require 'net/smtp'

trust = OpenSSL::SSL::SSLContext.new
trust.set_params(ca_file: ENV.fetch('SMTP_CA'), verify_mode: OpenSSL::SSL::VERIFY_PEER)
smtp = Net::SMTP.new(ENV.fetch('SMTP_HOST'), ENV.fetch('SMTP_PORT').to_i)
smtp.open_timeout = smtp.read_timeout = 10
smtp.enable_starttls(trust)
smtp.start('client.example', ENV.fetch('SMTP_USER'), ENV.fetch('SMTP_PASSWORD'), :plain) do
  smtp.send_message(File.binread(ENV.fetch('SMTP_MESSAGE')), ENV.fetch('SMTP_FROM'), *ENV.fetch('SMTP_TO').split(','))
end
