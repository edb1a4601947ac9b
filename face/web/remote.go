package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/coder/websocket"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
)

// Remote is a core in another process of the same person, reached through its Local.
type Remote struct {
	base   string
	token  string
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	task   sync.WaitGroup

	mu        sync.Mutex
	waiting   map[string][]chan []byte // by call id; a call may be repeated while it runs
	listeners map[chan []byte]bool
}

var _ api.Core = (*Remote)(nil)

// DialLocal connects to the Local at base ("http://127.0.0.1:port").
func DialLocal(ctx context.Context, base, token string) (*Remote, error) {
	conn, _, err := websocket.Dial(ctx, base+"/api", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		return nil, errors.New("web: the program that has the account open does not answer")
	}
	conn.SetReadLimit(16 << 20)
	life, cancel := context.WithCancel(context.Background())
	r := &Remote{base: base, token: token, conn: conn, ctx: life, cancel: cancel,
		waiting: map[string][]chan []byte{}, listeners: map[chan []byte]bool{}}
	r.task.Go(r.read)
	return r, nil
}

// Close disconnects; the other process goes on.
func (r *Remote) Close() {
	r.cancel()
	_ = r.conn.CloseNow()
	r.task.Wait()
}

// Done is closed when the other process has ended, or after Close.
func (r *Remote) Done() <-chan struct{} { return r.ctx.Done() }

func (r *Remote) read() {
	defer func() {
		r.cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		for ch := range r.listeners {
			delete(r.listeners, ch)
			close(ch)
		}
	}()
	for {
		_, msg, err := r.conn.Read(r.ctx)
		if err != nil {
			return
		}
		var head struct {
			ID    string `json:"id"`
			Event string `json:"event"`
		}
		if json.Unmarshal(msg, &head) != nil {
			continue
		}
		r.mu.Lock()
		if head.Event == "" {
			if w := r.waiting[head.ID]; len(w) > 0 {
				w[0] <- msg
				r.forget(head.ID, w[0])
			}
		} else {
			for ch := range r.listeners {
				select {
				case ch <- msg:
				default: // fell behind: as if the connection were lost
					delete(r.listeners, ch)
					close(ch)
				}
			}
		}
		r.mu.Unlock()
	}
}

// Call implements api.Core.
func (r *Remote) Call(ctx context.Context, request []byte) []byte {
	var head struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(request, &head)
	if len(request) > api.CallBytesMax { // the other side would hang up
		return refused(head.ID, core.ErrBadArguments)
	}
	answer := make(chan []byte, 1)
	r.mu.Lock()
	r.waiting[head.ID] = append(r.waiting[head.ID], answer)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.forget(head.ID, answer)
	}()
	if err := r.conn.Write(ctx, websocket.MessageText, request); err != nil {
		return refused(head.ID, core.ErrOffline)
	}
	select {
	case a := <-answer:
		return a
	case <-ctx.Done():
	case <-r.ctx.Done():
	}
	return refused(head.ID, core.ErrOffline)
}

// forget takes a waiting call away; the lock is held.
func (r *Remote) forget(id string, answer chan []byte) {
	list := slices.DeleteFunc(r.waiting[id], func(w chan []byte) bool { return w == answer })
	if len(list) == 0 {
		delete(r.waiting, id)
	} else {
		r.waiting[id] = list
	}
}

func refused(id string, code core.ErrCode) []byte {
	b, _ := json.Marshal(map[string]string{"id": id, "err": string(code)})
	return b
}

// Listen implements api.Core.
func (r *Remote) Listen() (<-chan []byte, func()) {
	ch := make(chan []byte, 4096)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		close(ch)
		return ch, func() {}
	}
	r.listeners[ch] = true
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.listeners[ch] {
			delete(r.listeners, ch)
			close(ch)
		}
	}
}

func (r *Remote) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		switch res.StatusCode {
		case http.StatusRequestEntityTooLarge:
			return nil, &client.Error{Code: core.ErrFileLarge}
		case http.StatusInsufficientStorage:
			return nil, &client.Error{Code: core.ErrDiskFull}
		}
		return nil, errors.New("web: the file could not be moved")
	}
	return res, nil
}

// PutFile implements api.Core.
func (r *Remote) PutFile(ctx context.Context, body io.Reader) (string, int64, error) {
	res, err := r.request(ctx, http.MethodPost, "/files", body)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	var a putAnswer
	err = json.NewDecoder(res.Body).Decode(&a)
	return a.Ref, a.Size, err
}

// OpenFile implements api.Core.
func (r *Remote) OpenFile(ctx context.Context, ref string) (io.ReadCloser, error) {
	res, err := r.request(ctx, http.MethodGet, "/files/"+ref, nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}
