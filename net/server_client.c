/* Who is let in, and how fast: connections of one address and of all strangers, requests of one
 * address, body bytes; and who counts as known (net/server.h).
 *
 * libmicrohttpd asks at each accept, and tells of the connection right after, within one call: so
 * what is counted at the one is right at the other. */
#include "net/server_private.h"

#include "net/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define VOUCHED_MS 86400000u

static bool is_listed(const struct server *server, const struct address *address) {
    for (size_t i = 0; i < server->options.known_count; i++) {
        if (address_equal(address, &server->known[i])) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct server *server, const struct address *address,
                     const struct peer_row *peer) {
    return is_listed(server, address) || peer_is_known(peer, loop_now_ms(server->loop));
}

static bool is_proxy(const struct server *server, const struct address *address) {
    return server->options.proxied && address_equal(&server->options.proxy, address);
}

/* --- connections --- */

static enum MHD_Result turn_away(const struct server *server, enum counter reason) {
    counter_add(reason);
    log_line(LOG_DEBUG, "server", "turned_away", "reason=%s connections=%zu",
             counter_reason(reason), server->stats.connections);
    return MHD_NO;
}

enum MHD_Result client_accept_cb(void *cls, const struct sockaddr *socket, socklen_t len) {
    struct server *server = cls;
    const struct server_options *options = &server->options;
    struct address address;
    (void)len;
    if (!address_of(socket, &address)) {
        return MHD_NO; /* we listen on nothing else */
    }
    bool through_proxy = is_proxy(server, &address);
    if (options->proxied && options->tls == NULL && !through_proxy && !address.loopback) {
        return turn_away(server, COUNTER_CUT_NO_PROXY); /* in clear, past the proxy */
    }
    const struct peer_row *peer =
        peers_of_address(server->peers, &address, loop_now_ms(server->loop));
    if (!through_proxy && peer->connections >= options->per_peer_max) {
        return turn_away(server, COUNTER_CUT_PEER_FULL);
    }
    if (options->reserve > 0 && !is_known(server, &address, peer) &&
        server->strangers >= options->connections_max - options->reserve) {
        return turn_away(server, COUNTER_CUT_FULL);
    }
    return MHD_YES;
}

void client_came(struct connection *connection, const struct sockaddr *socket) {
    struct server *server = connection->server;
    bool internet = address_of(socket, &connection->address);
    assert(internet); /* client_accept_cb let nothing else in */
    connection->peer_row =
        peers_of_address(server->peers, &connection->address, loop_now_ms(server->loop));
    connection->peer_row->connections++;
    connection->known = is_known(server, &connection->address, connection->peer_row);
    server->strangers += connection->known ? 0 : 1;
}

void client_left(struct connection *connection) {
    struct server *server = connection->server;
    assert(connection->peer_row->connections > 0);
    connection->peer_row->connections--;
    assert(connection->known || server->strangers > 0);
    server->strangers -= connection->known ? 0 : 1;
}

/* --- requests --- */

static struct peer_row *peer_of(struct request *request) {
    struct server *server = request->server;
    return peers_of_address(server->peers, &request->address, loop_now_ms(server->loop));
}

bool client_known(struct request *request) {
    return is_known(request->server, &request->address, peer_of(request));
}

size_t client_body_budget(struct request *request) {
    const struct server_options *options = &request->server->options;
    return options->body_budget - (client_known(request) ? 0 : options->body_reserve);
}

/* A proxy that names nobody is the client itself. */
static bool take_forwarded(struct request *request) {
    struct address address;
    if (!is_proxy(request->server, &request->address)) {
        return false;
    }
    const char *header = request_header(request, "X-Forwarded-For");
    if (!address_forwarded(header, &address)) {
        return true;
    }
    const char *comma = strrchr(header, ',');
    request->address = address;
    snprintf(request->peer, sizeof request->peer, "%s",
             comma != NULL ? comma + 1 + strspn(comma + 1, " \t") : header);
    return true;
}

/* The machine itself has other means to harm its node. */
static bool has_rate(struct request *request, bool forwarded) {
    return (forwarded || !request->address.loopback) && !client_known(request);
}

void client_admit(struct request *request) {
    struct server *server = request->server;
    bool forwarded = take_forwarded(request);
    unsigned wait_s = 0;
    char seconds[16];
    request->rated = has_rate(request, forwarded);
    if (!request->rated ||
        peer_take(peer_of(request), &server->options.rate, 1, loop_now_ms(server->loop), &wait_s)) {
        return;
    }
    snprintf(seconds, sizeof seconds, "%u", wait_s);
    static const char text[] = "too many requests from this address: go on more slowly\n";
    struct reply_header header = {.name = "Retry-After", .value = seconds};
    struct reply reply = {.http = 429,
                          .content_type = "text/plain; charset=utf-8",
                          .body = bytes_text(text),
                          .body_is = REPLY_STATIC,
                          .headers = &header,
                          .header_count = 1};
    request_set_reason(request, COUNTER_REFUSED_RATE);
    request_answer(request, &reply);
}

void request_cost(struct request *request, unsigned requests) {
    struct server *server = request->server;
    if (request->rated) {
        peer_charge(peer_of(request), &server->options.rate, requests, loop_now_ms(server->loop));
    }
}

void request_vouch(struct request *request) {
    const struct server *server = request->server;
    struct peer_row *peer = peer_of(request);
    uint64_t now = loop_now_ms(server->loop);
    if (!peer_is_known(peer, now)) {
        log_line(LOG_INFO, "server", "known", "peer=%s", request->peer);
    }
    peer->known_until_ms = now + VOUCHED_MS;
}
