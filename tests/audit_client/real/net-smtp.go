// Delivers a message with Go's net/smtp over STARTTLS, logged in. Everything is in the environment.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"strings"
	"time"
)

func send() error {
	host, port := os.Getenv("SMTP_HOST"), os.Getenv("SMTP_PORT")
	pem, err := os.ReadFile(os.Getenv("SMTP_CA"))
	if err != nil {
		return err
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(pem)
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 10*time.Second)
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Hello("client.example"); err != nil {
		return err
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return errors.New("the server offers no STARTTLS")
	}
	if err := client.StartTLS(&tls.Config{ServerName: host, RootCAs: trust}); err != nil {
		return err
	}
	if offered, _ := client.Extension("AUTH"); !offered {
		return errors.New("the server offers no AUTH")
	}
	login := smtp.PlainAuth("", os.Getenv("SMTP_USER"), os.Getenv("SMTP_PASSWORD"), host)
	if err := client.Auth(login); err != nil {
		return err
	}
	if err := client.Mail(os.Getenv("SMTP_FROM")); err != nil {
		return err
	}
	for _, to := range strings.Split(os.Getenv("SMTP_TO"), ",") {
		if err := client.Rcpt(to); err != nil {
			return err
		}
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	message, err := os.ReadFile(os.Getenv("SMTP_MESSAGE"))
	if err != nil {
		return err
	}
	if _, err := data.Write(message); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func main() {
	if err := send(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
