// Fakegcs is fake-gcs-server with what clients of Google's XML interface need and it lacks: uploads, and Google's refusals.
//
//	fakegcs ADDRESS SERVICE_ACCOUNT     answers at ADDRESS, who says to be that account; keeps all in memory
//
// Uploads are passed on to the JSON interface, preconditions included. Refusals are those of
// https://cloud.google.com/storage/docs/xml-api/reference-status
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

const generationHeader = "x-goog-if-generation-match"

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: fakegcs ADDRESS SERVICE_ACCOUNT"))
	}
	address, account := os.Args[1], os.Args[2]
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Scheme: "http", PublicHost: address, Writer: io.Discard})
	fail(err)
	handler := &google{json: server.HTTPHandler(), account: account}
	fail((&http.Server{Addr: address, ReadHeaderTimeout: 5 * time.Second, Handler: handler}).ListenAndServe())
}

type google struct {
	json    http.Handler
	account string
}

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_internal/") || strings.HasPrefix(r.URL.Path, "/storage/v1/b") {
		g.json.ServeHTTP(w, r)
		return
	}
	bucket, object, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	switch {
	case g.issuer(r) != g.account:
		refuse(w, http.StatusForbidden, "AccessDenied", "Access denied.")
	case !g.has(bucket):
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	case r.Method == http.MethodPut:
		g.upload(w, r, bucket, object)
	default:
		g.json.ServeHTTP(w, r)
	}
}

// issuer tells whose signed token comes with a request.
func (g *google) issuer(r *http.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return ""
	}
	claims := struct {
		Issuer string `json:"iss"`
	}{}
	if content, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(content, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

func (g *google) has(bucket string) bool {
	answer := httptest.NewRecorder()
	g.json.ServeHTTP(answer, g.asked(http.MethodGet, "/storage/v1/b/"+bucket, nil, nil))
	return answer.Code == http.StatusOK
}

func (g *google) upload(w http.ResponseWriter, r *http.Request, bucket, object string) {
	name, err := url.PathUnescape(object)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidURI", err.Error())
		return
	}
	query := url.Values{"uploadType": {"media"}, "name": {name}}
	if wanted := r.Header.Get(generationHeader); wanted != "" {
		query.Set("ifGenerationMatch", wanted)
	}
	answer := httptest.NewRecorder()
	g.json.ServeHTTP(answer, g.asked(http.MethodPost, "/upload/storage/v1/b/"+bucket+"/o", query, r.Body))
	made := struct {
		Generation string `json:"generation"`
		Etag       string `json:"etag"`
	}{}
	switch {
	case answer.Code == http.StatusPreconditionFailed:
		refuse(w, answer.Code, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
	case answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &made) != nil:
		refuse(w, http.StatusInternalServerError, "InternalError", answer.Body.String())
	default:
		w.Header().Set("ETag", fmt.Sprintf("%q", made.Etag))
		w.Header().Set("x-goog-generation", made.Generation)
	}
}

func (g *google) asked(method, path string, query url.Values, body io.Reader) *http.Request {
	request := httptest.NewRequest(method, path+"?"+query.Encode(), body)
	request.Host = "www.googleapis.com"
	return request
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
