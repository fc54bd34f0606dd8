/* proxy: a bad line between two systems, for tests.
 *
 *   proxy PORT SEED
 *
 * Listens on a free port of 127.0.0.1, prints that port, and passes on what comes to 127.0.0.1:PORT
 * and back, until its standard input ends. By chance that is the same for each seed it delays,
 * passes single bytes, closes connections and resets them, in the middle of whatever is said. At the
 * end it prints how many connections it closed and how many it reset. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_PAIRS 64
#define LONGEST_DELAY 3 /* milliseconds */

/* A connection lives for so many bytes: rarely less than its greeting. */
#define LEAST_BYTES 150
#define MOST_BYTES 8000

/* One direction of a pair: read when empty, so an end is seen after all before it was passed on. */
struct flow {
  int from;
  int to;
  unsigned char data[4096];
  size_t size;
  size_t passed;
  int64_t due; /* milliseconds: not before */
};

struct pair {
  struct flow flows[2];
  int64_t left; /* bytes until it breaks */
  bool is_open;
};

struct proxy {
  struct pair pairs[MOST_PAIRS];
  struct sockaddr_in target;
  int listener;
  uint64_t chance;
  unsigned closed;
  unsigned reset;
};

static void fail(const char *what) {
  fprintf(stderr, "proxy: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* 0 .. below - 1; xorshift. */
static uint64_t draw(struct proxy *proxy, uint64_t below) {
  proxy->chance ^= proxy->chance << 13;
  proxy->chance ^= proxy->chance >> 7;
  proxy->chance ^= proxy->chance << 17;
  return proxy->chance % below;
}

/* ---- connections ---- */

static void set_up(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void shut(struct pair *pair, bool is_reset) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  for (int i = 0; i < 2; i++) {
    int fd = pair->flows[i].from;
    if (is_reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
  }
  pair->is_open = false;
}

static void break_off(struct proxy *proxy, struct pair *pair) {
  bool is_reset = draw(proxy, 2) == 0;
  if (is_reset)
    proxy->reset++;
  else
    proxy->closed++;
  shut(pair, is_reset);
}

static struct pair *find_free(struct proxy *proxy) {
  for (size_t i = 0; i < MOST_PAIRS; i++)
    if (!proxy->pairs[i].is_open) return &proxy->pairs[i];
  return NULL;
}

static void take_connection(struct proxy *proxy) {
  int client = accept(proxy->listener, NULL, NULL);
  if (client < 0) return;
  struct pair *pair = find_free(proxy);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  if (pair == NULL || server < 0 ||
      connect(server, (struct sockaddr *)&proxy->target, sizeof proxy->target) != 0) {
    close(client);
    if (server >= 0) close(server);
    return;
  }
  set_up(client);
  set_up(server);
  pair->flows[0] = (struct flow){.from = client, .to = server};
  pair->flows[1] = (struct flow){.from = server, .to = client};
  pair->left = (int64_t)(LEAST_BYTES + draw(proxy, MOST_BYTES - LEAST_BYTES));
  pair->is_open = true;
}

/* ---- bytes ---- */

/* False when the connection is over. */
static bool fill(struct flow *flow) {
  ssize_t size = read(flow->from, flow->data, sizeof flow->data);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  flow->size = (size_t)size;
  flow->passed = 0;
  return size > 0;
}

/* A piece, often a single byte; then, sometimes, a pause. */
static bool pass(struct proxy *proxy, struct flow *flow, int64_t *left) {
  size_t size = flow->size - flow->passed;
  if (draw(proxy, 4) == 0) size = 1;
  if (*left < (int64_t)size) size = (size_t)*left;
  ssize_t written = write(flow->to, flow->data + flow->passed, size);
  if (written < 0) return errno == EAGAIN || errno == EINTR;
  flow->passed += (size_t)written;
  *left -= written;
  if (flow->passed == flow->size) flow->size = flow->passed = 0;
  if (draw(proxy, 8) == 0) flow->due = now() + (int64_t)draw(proxy, LONGEST_DELAY + 1);
  return true;
}

static void serve(struct proxy *proxy, struct pair *pair, const struct pollfd *polled) {
  for (int i = 0; i < 2; i++) {
    struct flow *flow = &pair->flows[i];
    bool is_well = true;
    if (flow->size == 0 && (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      is_well = fill(flow);
    if (is_well && flow->size > 0 && flow->due <= now()) is_well = pass(proxy, flow, &pair->left);
    if (!is_well) {
      shut(pair, false);
      return;
    }
  }
  if (pair->left == 0) break_off(proxy, pair);
}

/* One look at everything; false when the standard input has ended. What waits to be passed on is
 * tried every millisecond. */
static bool turn(struct proxy *proxy) {
  struct pollfd polled[2 + 2 * MOST_PAIRS];
  int timeout = -1;
  polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
  polled[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
  for (size_t i = 0; i < 2 * (size_t)MOST_PAIRS; i++) {
    const struct pair *pair = &proxy->pairs[i / 2];
    const struct flow *flow = &pair->flows[i % 2];
    bool is_read = pair->is_open && flow->size == 0;
    polled[2 + i] = (struct pollfd){.fd = is_read ? flow->from : -1, .events = POLLIN};
    if (pair->is_open && flow->size > 0) timeout = 1;
  }
  if (poll(polled, sizeof polled / sizeof *polled, timeout) < 0) return errno == EINTR;
  for (size_t i = 0; i < MOST_PAIRS; i++)
    if (proxy->pairs[i].is_open) serve(proxy, &proxy->pairs[i], &polled[2 + 2 * i]);
  if (polled[1].revents != 0) take_connection(proxy);
  char byte;
  return polled[0].revents == 0 || read(STDIN_FILENO, &byte, 1) > 0;
}

static void listen_anywhere(struct proxy *proxy) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof place;
  proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(proxy->listener, (struct sockaddr *)&place, sizeof place) != 0) fail("bind");
  if (listen(proxy->listener, 16) != 0) fail("listen");
  getsockname(proxy->listener, (struct sockaddr *)&place, &size);
  printf("%u\n", (unsigned)ntohs(place.sin_port));
  fflush(stdout);
}

int main(int count, char **arguments) {
  static struct proxy proxy; /* large, and there is one in the program */
  if (count != 3) {
    fprintf(stderr, "usage: proxy PORT SEED\n");
    return 2;
  }
  proxy.target = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)atoi(arguments[1])),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  proxy.chance = strtoull(arguments[2], NULL, 10) * 2 + 1;
  for (int i = 0; i < 8; i++) draw(&proxy, 2); /* away from a small seed */
  listen_anywhere(&proxy);
  while (turn(&proxy)) continue;
  printf("%u closed, %u reset\n", proxy.closed, proxy.reset);
  return 0;
}
