/* An endpoint that is never the bottleneck: HTTP/1.1 with keep-alive on loopback, one thread, epoll.
 *
 *     cc -O2 -o pixel pixel.c && ./pixel ANSWER_MS
 *
 * It prints its port, answers every POST with 200 after ANSWER_MS, and GET /stats with the number of
 * requests so far as JSON. It reads bodies by Content-Length, which is how the benchmarks' clients
 * send them, and looks at nothing else in them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 65536, MAX_WAITING = 1 << 18, BATCH = 1024, FIRST_BUFFER = 8192 };

struct connection { char *bytes; size_t length, room; uint32_t generation; };
struct answer { int64_t due_ns; int connection; uint32_t generation; };

static struct connection connections[MAX_CONNECTIONS];
static struct answer waiting[MAX_WAITING]; /* a ring, in the order of their time */
static unsigned first_waiting, next_waiting;
static int64_t answer_ns;
static long requests, open_now, open_most;
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n";

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void send_all(int socket, const char *bytes, size_t length) {
    /* An answer is far smaller than a socket's buffer: what does not fit is a broken client. */
    send(socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void end(int socket) {
    close(socket);
    connections[socket].generation++;
    connections[socket].length = 0;
    open_now--;
}

static void tell_stats(int socket) {
    char body[160], whole[320];
    int length = snprintf(body, sizeof body, "{\"requests\": %ld, \"open_most\": %ld}", requests, open_most);
    length = snprintf(whole, sizeof whole, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
    send_all(socket, whole, length);
}

static void answer(int socket) {
    requests++;
    if (!answer_ns) {
        send_all(socket, ANSWER, sizeof ANSWER - 1);
        return;
    }
    waiting[next_waiting++ % MAX_WAITING] =
        (struct answer){now_ns() + answer_ns, socket, connections[socket].generation};
}

/* Takes whole requests from the front of what was read; returns how many bytes they were. */
static size_t take_requests(int socket, char *bytes, size_t length) {
    size_t taken = 0;
    for (;;) {
        char *start = bytes + taken, *head_end = memmem(start, length - taken, "\r\n\r\n", 4);
        if (!head_end) return taken;
        size_t head = head_end - start + 4, body = 0;
        *head_end = 0;
        char *stated = strcasestr(start, "\r\nContent-Length:");
        if (stated) body = strtoul(stated + 17, NULL, 10);
        *head_end = '\r';
        if (length - taken < head + body) return taken;
        if (!strncmp(start, "GET /stats", 10)) tell_stats(socket);
        else answer(socket);
        taken += head + body;
    }
}

static void read_from(int socket) {
    struct connection *one = &connections[socket];
    if (one->room - one->length < FIRST_BUFFER) {
        one->room = one->room ? one->room * 2 : 2 * FIRST_BUFFER;
        one->bytes = realloc(one->bytes, one->room + 1);
    }
    ssize_t got = recv(socket, one->bytes + one->length, one->room - one->length, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) end(socket);
    if (got <= 0) return;
    one->length += got;
    one->bytes[one->length] = 0;
    size_t taken = take_requests(socket, one->bytes, one->length);
    one->length -= taken;
    memmove(one->bytes, one->bytes + taken, one->length);
}

static void accept_all(int listener, int poll) {
    int on = 1, socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (socket >= MAX_CONNECTIONS) { close(socket); continue; }
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(poll, EPOLL_CTL_ADD, socket, &(struct epoll_event){.events = EPOLLIN, .data.fd = socket});
        if (++open_now > open_most) open_most = open_now;
    }
}

static void send_what_is_due(void) {
    int64_t now = now_ns();
    while (first_waiting != next_waiting && waiting[first_waiting % MAX_WAITING].due_ns <= now) {
        struct answer *due = &waiting[first_waiting++ % MAX_WAITING];
        if (connections[due->connection].generation == due->generation)
            send_all(due->connection, ANSWER, sizeof ANSWER - 1);
    }
}

int main(int count, char **arguments) {
    if (count != 2) { fprintf(stderr, "usage: pixel ANSWER_MS\n"); return 64; }
    answer_ns = atof(arguments[1]) * 1e6;
    signal(SIGPIPE, SIG_IGN);
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("pixel");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poll = epoll_create1(0);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    static struct epoll_event events[BATCH];
    for (;;) {
        int patience_ms = -1;
        if (first_waiting != next_waiting) {
            int64_t left_ns = waiting[first_waiting % MAX_WAITING].due_ns - now_ns();
            patience_ms = left_ns <= 0 ? 0 : (int)((left_ns + 999999) / 1000000);
        }
        int ready = epoll_wait(poll, events, BATCH, patience_ms);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) accept_all(listener, poll);
            else read_from(events[i].data.fd);
        }
        send_what_is_due();
    }
}
