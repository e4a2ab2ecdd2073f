// Delivers a message with Jakarta Mail over STARTTLS, logged in. Everything is in the environment.

import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class JakartaMail {
    public static void main(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(System.getenv("SMTP_CA"))) {
            trusted.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);

        Properties settings = new Properties();
        settings.put("mail.smtp.starttls.required", "true");
        // Without this it takes a certificate for any name.
        settings.put("mail.smtp.ssl.checkserveridentity", "true");
        settings.put("mail.smtp.ssl.socketFactory", context.getSocketFactory());
        settings.put("mail.smtp.localhost", "client.example");
        settings.put("mail.smtp.from", System.getenv("SMTP_FROM"));
        for (String wait : new String[] {"connectiontimeout", "timeout", "writetimeout"}) {
            settings.put("mail.smtp." + wait, "15000");
        }
        Session session = Session.getInstance(settings);
        try (Transport transport = session.getTransport("smtp");
                FileInputStream message = new FileInputStream(System.getenv("SMTP_MESSAGE"))) {
            int port = Integer.parseInt(System.getenv("SMTP_PORT"));
            transport.connect(System.getenv("SMTP_HOST"), port, System.getenv("SMTP_USER"), System.getenv("SMTP_PASSWORD"));
            transport.sendMessage(new MimeMessage(session, message), InternetAddress.parse(System.getenv("SMTP_TO")));
        } catch (Exception fault) {
            System.err.println(fault);
            System.exit(1);
        }
    }
}
