package control

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/pyudf/pyudf/proto/pyudf/control/v1/controlv1connect"
)

// herald says with each call who calls, and looks at who answers.
type herald struct {
	config ClientConfig
	url    string
	user   string
	next   http.RoundTripper
}

// answerError is an answer that is none of a node that this side gets along with.
type answerError struct {
	text string
}

func (e *answerError) Error() string { return e.text }

// RoundTrip implements http.RoundTripper.
func (h *herald) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set(protocolHeader, strconv.FormatUint(uint64(h.config.Protocol), 10))
	request.Header.Set(versionHeader, h.config.Version)
	h.introduce(request)
	if request.URL.Path == controlv1connect.ControlServiceDeployProcedure {
		request.Header.Set("Expect", "100-continue") // so that a node that refuses gets no bundle
	}
	response, err := h.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := h.check(response); err != nil {
		_ = response.Body.Close() // nobody reads it
		return nil, err
	}
	return response, nil
}

// introduce says who calls: whose token it is, or for whom this node passes a call on.
func (h *herald) introduce(request *http.Request) {
	caller, passed := CallerOf(request.Context())
	name, authorization := h.user, ""
	switch {
	case h.config.Token != "":
		authorization = "Bearer " + h.config.Token
	case passed:
		name, authorization = caller.Name, caller.authorization
		if request.URL.Scheme == "http" && !loopback(request.URL.Hostname()) {
			authorization = ""
		}
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	request.Header.Set(userHeader, name)
}

func (h *herald) check(response *http.Response) error {
	text := response.Header.Get(protocolHeader)
	theirs, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return &answerError{fmt.Sprintf("what answers at %s (HTTP %d) is no node of pyudf: name one with --engine", h.url, response.StatusCode)}
	}
	if theirs < uint64(h.config.Needs) {
		version := response.Header.Get(versionHeader)
		return &answerError{fmt.Sprintf("the node at %s is of pyudf %s and speaks protocol %d, and this needs %d: update pyudf on the node, or use pyudf %s here",
			h.url, version, theirs, h.config.Needs, version)}
	}
	return nil
}
