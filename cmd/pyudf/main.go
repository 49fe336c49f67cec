package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(execute(context.Background(), os.Args[1:], &world{
		in:       os.Stdin,
		out:      os.Stdout,
		err:      os.Stderr,
		getenv:   os.Getenv,
		signals:  signals,
		exit:     os.Exit,
		terminal: stderrTerminal,
	}))
}

func stderrTerminal() (width int, ok bool) {
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	return width, err == nil
}
