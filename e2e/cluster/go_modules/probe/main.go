// Probe is the one small program that cluster tests run in pods, so that they need no base image:
//
//	probe serve               answers every HTTP request on :8080 with its host name
//	probe get URL             prints the answer's body; fails unless it is 200
//	probe lookup NAME         prints the addresses of NAME, one per line
//	probe say WORD...         prints the words
//	probe sleep DURATION      does nothing for so long; ends at once on SIGTERM
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: probe serve | get URL | lookup NAME | say WORD... | sleep DURATION"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch words := os.Args[2:]; os.Args[1] {
	case "serve":
		serve(ctx)
	case "get":
		get(words[0])
	case "lookup":
		addresses, err := net.LookupHost(words[0])
		fail(err)
		fmt.Println(strings.Join(addresses, "\n"))
	case "say":
		fmt.Println(strings.Join(words, " "))
	case "sleep":
		duration, err := time.ParseDuration(words[0])
		fail(err)
		select {
		case <-ctx.Done():
		case <-time.After(duration):
		}
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func serve(ctx context.Context) {
	name, err := os.Hostname()
	fail(err)
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		fmt.Fprintln(w, name)
	})}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	fmt.Println("serving")
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fail(err)
	}
}

func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	fail(err)
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	fail(err)
	if response.StatusCode != http.StatusOK {
		fail(fmt.Errorf("%s", response.Status))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
