/* libcurl's multi interface on the loop: libcurl says which sockets to watch and when to wake it,
 * and is told what happened.
 *
 * Happy path:
 *   - client_send adds an easy handle to the multi; libcurl asks for a timer, and starts from
 * there;
 *   - socket_cb opens, changes and closes a uv_poll per socket; poll_cb and timer_cb feed
 *     curl_multi_socket_action;
 *   - collect_finished takes each finished call off the multi, then calls its `done`.
 *
 * What can go wrong: a peer that never answers (the call's timeout), answers too much (response_max
 * stops the transfer), answers early (libcurl stops sending on an error status and gives the
 * answer), or closes (no answer, with the reason). `done` may call anything here, client_close
 * included. */
#include "net/client.h"

#include "net/buffer.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

const struct client_options client_defaults = {
    .calls_max = 256, .per_host_max = 4, .connect_timeout_ms = 5000};

#define IDLE_HANDLES 8

struct client_call {
    struct client *client;
    struct client_call *next;
    struct client_call *previous;
    CURL *easy;
    struct curl_slist *headers;
    struct buffer response;
    bool too_large;
    client_done done;
    void *context;
    void (*release_body)(void *owner);
    void *body_owner;
    char error[CURL_ERROR_SIZE];
};

struct client {
    struct loop *loop;
    struct client_options options;
    CURLM *multi;
    struct timer *timer;
    struct client_call *calls;
    size_t call_count;
    CURL *idle[IDLE_HANDLES]; /* reset, for the next calls: making one costs as much as sending */
    size_t idle_count;
    size_t sockets; /* uv_poll handles that libuv still has */
    bool closing;
    struct timer *farewell;
    void (*closed)(void *context);
    void *closed_context;
};

struct client_socket {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
    int events; /* what libcurl wants to hear of */
};

/* --- calls --- */

static void call_unlink(struct client_call *call) {
    struct client *client = call->client;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        client->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    assert(client->call_count > 0);
    client->call_count--;
}

static CURL *take_handle(struct client *client) {
    return client->idle_count > 0 ? client->idle[--client->idle_count] : curl_easy_init();
}

static void give_handle(struct client *client, CURL *easy) {
    if (easy != NULL && client->idle_count < IDLE_HANDLES && !client->closing) {
        curl_easy_reset(easy); /* nothing of the last call stays */
        client->idle[client->idle_count++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

static void call_free(struct client_call *call) {
    give_handle(call->client, call->easy);
    curl_slist_free_all(call->headers);
    buffer_clear(&call->response);
    if (call->release_body != NULL) {
        call->release_body(call->body_owner);
    }
    free(call);
}

static void one_line(char *text) {
    for (char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
}

/* By RFC 9110 whoever has a clock says what it is. */
static uint64_t date_of(CURL *easy) {
    struct curl_header *header = NULL;
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return 0;
    }
    time_t date = curl_getdate(header->value, NULL);
    return date > 0 ? (uint64_t)date : 0;
}

static void finish(struct client_call *call, CURLcode code) {
    struct client_response response = {.error = "", .content_type = ""};
    if (code == CURLE_OK) {
        long http = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &http);
        char *type = NULL;
        curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
        curl_off_t retry_after = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
        assert(http >= 0);
        response.http = (unsigned)http;
        response.content_type = type != NULL ? type : "";
        response.retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
        response.date_s = date_of(call->easy);
        response.body = buffer_view(&call->response);
    } else if (call->too_large) {
        response.error = "the answer is larger than is allowed";
    } else {
        one_line(call->error);
        response.error = call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
    }
    if (code == CURLE_OK && response.http == 0) {
        response.error = "no HTTP status in the answer";
    }
    curl_multi_remove_handle(call->client->multi, call->easy);
    call_unlink(call); /* so that a client_close in `done` does not cancel it */
    call->done(call->context, &response);
    call_free(call);
}

static void collect_finished(struct client *client) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        assert(message->msg == CURLMSG_DONE);
        struct client_call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(call, message->data.result);
    }
}

static size_t write_cb(char *data, size_t size, size_t count, void *context) {
    struct client_call *call = context;
    size_t len = size * count;
    enum status status = buffer_append(&call->response, bytes_of(data, len));
    call->too_large = status == STATUS_TOO_LARGE;
    return status == STATUS_OK ? len : 0; /* another count makes libcurl give up */
}

/* --- libcurl on libuv --- */

static void act(struct client *client, curl_socket_t fd, int events) {
    int running;
    curl_multi_socket_action(client->multi, fd, events, &running);
    collect_finished(client);
}

static void timer_cb(void *context) {
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer_cb(CURLM *multi, long timeout_ms, void *context) {
    (void)multi;
    struct client *client = context;
    if (timeout_ms < 0) {
        timer_stop(client->timer);
    } else {
        /* Also for 0: libcurl is not to be called from within its own callback. */
        timer_start(client->timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void poll_cb(uv_poll_t *poll, int status, int events) {
    struct client_socket *socket = poll->data;
    int flags = 0;
    if (status < 0 || (events & UV_READABLE) != 0) {
        flags |= CURL_CSELECT_IN;
    }
    if (status < 0 || (events & UV_WRITABLE) != 0) {
        flags |= CURL_CSELECT_OUT;
    }
    /* A socket in error (reset, say) is not reported as CURL_CSELECT_ERR, at which libcurl would
     * leave unread the answer that came before the reset: reading on finds both. */
    act(socket->client, socket->fd, flags);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) {
        uv_poll_start(poll, socket->events, poll_cb); /* libuv stopped it */
    }
}

static void maybe_free(struct client *client);

static void socket_closed_cb(uv_handle_t *handle) {
    struct client_socket *socket = handle->data;
    struct client *client = socket->client;
    free(socket);
    assert(client->sockets > 0);
    client->sockets--;
    maybe_free(client);
}

static struct client_socket *socket_open(struct client *client, curl_socket_t fd) {
    struct client_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    if (uv_poll_init(loop_uv(client->loop), &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    socket->client = client;
    socket->fd = fd;
    client->sockets++;
    curl_multi_assign(client->multi, fd, socket);
    return socket;
}

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *context, void *slot) {
    (void)easy;
    struct client *client = context;
    struct client_socket *socket = slot;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            /* At once: libcurl closes the descriptor next, and its number may come again. */
            uv_poll_stop(&socket->poll);
            uv_close((uv_handle_t *)&socket->poll, socket_closed_cb);
            curl_multi_assign(client->multi, fd, NULL);
        }
        return 0;
    }
    if (socket == NULL) {
        socket = socket_open(client, fd);
    }
    if (socket == NULL) {
        return -1; /* the transfer fails */
    }
    socket->events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                     ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return uv_poll_start(&socket->poll, socket->events, poll_cb) == 0 ? 0 : -1;
}

/* --- sending --- */

static bool url_ok(const char *url) {
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return false;
    }
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool add_header(struct client_call *call, const char *name, const char *value) {
    char line[512];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    if (n < 0 || (size_t)n >= sizeof line || strpbrk(line, "\r\n") != NULL) {
        return false;
    }
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (list == NULL) {
        return false;
    }
    call->headers = list;
    return true;
}

static bool add_headers(struct client_call *call, const struct client_request *request) {
    /* "Expect:" without a value: libcurl would wait a second for a "100 Continue" before a large
     * body. "Content-Type:" likewise takes away the form type it would claim. */
    bool typed = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct client_header *header = &request->headers[i];
        typed = typed || strcmp(header->name, "Content-Type") == 0;
        if (!add_header(call, header->name, header->value)) {
            return false;
        }
    }
    struct curl_slist *list = curl_slist_append(call->headers, "Expect:");
    if (list == NULL) {
        return false;
    }
    call->headers = list;
    if (!typed) {
        list = curl_slist_append(call->headers, "Content-Type:");
        call->headers = list != NULL ? list : call->headers;
    }
    return list != NULL;
}

/* libcurl's options, all of which must take. */
static bool set_options(struct client_call *call, const struct client_request *request) {
    CURL *easy = call->easy;
    const struct client_options *options = &call->client->options;
    bool ok = true;
#define SET(option, value) ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* not even from the environment */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later */
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (options->ca != NULL) {
        SET(CURLOPT_CAINFO, options->ca);
        SET(CURLOPT_CAPATH, NULL); /* else the system's folder is trusted as well */
    }
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for a name server */
    SET(CURLOPT_USERAGENT, "dutylog");
    SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    /* Below what malloc would map and unmap for each call. */
    SET(CURLOPT_BUFFERSIZE, 65536L);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, 65536L);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->response_max);
    SET(CURLOPT_WRITEFUNCTION, write_cb);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_PRIVATE, call);
    SET(CURLOPT_ERRORBUFFER, call->error);
    SET(CURLOPT_HTTPHEADER, call->headers);
    if (strcmp(request->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.data : "");
    } else {
        assert(strcmp(request->method, "GET") == 0 && request->body.len == 0);
        SET(CURLOPT_HTTPGET, 1L);
    }
#undef SET
    return ok;
}

static enum status start(struct client *client, const struct client_request *request,
                         client_done done, void *context, struct client_call **out) {
    struct client_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return STATUS_NOMEM;
    }
    call->client = client;
    call->done = done;
    call->context = context;
    buffer_init(&call->response, request->response_max);
    call->easy = take_handle(client);
    call->next = client->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    client->calls = call;
    client->call_count++;
    if (call->easy == NULL || !add_headers(call, request) || !set_options(call, request) ||
        curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        call_unlink(call);
        call_free(call);
        return STATUS_NOMEM;
    }
    /* Only now: when starting fails, client_send releases the body. */
    call->release_body = request->release_body;
    call->body_owner = request->body_owner;
    *out = call;
    return STATUS_OK;
}

enum status client_send(struct client *client, const struct client_request *request,
                        client_done done, void *context, struct client_call **call) {
    assert(done != NULL && request->timeout_ms > 0 && request->timeout_ms <= INT32_MAX);
    struct client_call *started = NULL;
    enum status status = STATUS_OK;
    if (!url_ok(request->url)) {
        status = STATUS_BAD_FORM;
    } else if (client->closing || client->call_count >= client->options.calls_max) {
        status = STATUS_BUSY;
    } else {
        status = start(client, request, done, context, &started);
    }
    if (status != STATUS_OK) {
        if (request->release_body != NULL) {
            request->release_body(request->body_owner);
        }
        return status;
    }
    if (call != NULL) {
        *call = started;
    }
    return STATUS_OK;
}

void client_cancel(struct client_call *call) {
    curl_multi_remove_handle(call->client->multi, call->easy);
    call_unlink(call);
    call_free(call);
}

size_t client_calls(const struct client *client) {
    return client->call_count;
}

/* --- opening and closing --- */

static void farewell_cb(void *context) {
    struct client *client = context;
    timer_stop(client->farewell);
    /* Closes the kept connections, each with a CURL_POLL_REMOVE. Not before: client_close may have
     * been called from `done`. */
    curl_multi_cleanup(client->multi);
    client->multi = NULL;
    maybe_free(client);
}

static void maybe_free(struct client *client) {
    if (client->multi != NULL || client->sockets > 0) {
        return;
    }
    timer_close(client->timer);
    timer_close(client->farewell);
    void (*closed)(void *) = client->closed;
    void *context = client->closed_context;
    free(client);
    if (closed != NULL) {
        closed(context);
    }
}

enum status client_open(struct loop *loop, const struct client_options *options,
                        struct client **out) {
    /* Counts its calls: once per client is right. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return STATUS_NOMEM;
    }
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return STATUS_NOMEM;
    }
    client->loop = loop;
    client->options = options != NULL ? *options : client_defaults;
    enum status status = timer_open(loop, timer_cb, client, &client->timer);
    if (status != STATUS_OK) {
        goto err_after_client;
    }
    status = timer_open(loop, farewell_cb, client, &client->farewell);
    if (status != STATUS_OK) {
        goto err_after_timer;
    }
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        status = STATUS_NOMEM;
        goto err_after_farewell;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer_cb);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)client->options.per_host_max);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.calls_max);
    *out = client;
    return STATUS_OK;

err_after_farewell:
    timer_close(client->farewell);
err_after_timer:
    timer_close(client->timer);
err_after_client:
    free(client);
    return status;
}

void client_close(struct client *client, void (*closed)(void *context), void *context) {
    assert(!client->closing);
    client->closing = true;
    client->closed = closed;
    client->closed_context = context;
    while (client->idle_count > 0) {
        curl_easy_cleanup(client->idle[--client->idle_count]);
    }
    struct client_call *next;
    for (struct client_call *call = client->calls; call != NULL; call = next) {
        next = call->next;
        client_cancel(call);
    }
    timer_start(client->farewell, 0, 0);
}
