/* Places: as a capability names those of leaders, and as they travel. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "admin/capability.h"
#include "admin/convention.h"
#include "message/pack.h"
#include "message/protocol.h"

#define CAPABILITY "Convention Address.IPv4"
#define LONGEST_HOST 255

/* What is read so far. */
struct places {
  struct th_address *all;
  size_t most;
  size_t count;
  uint16_t default_port;
  struct th_reason *reason;
};

static int add(struct places *places, uint32_t ip, uint16_t port) {
  for (size_t i = 0; i < places->count; i++)
    if (places->all[i].ip == ip && places->all[i].port == port) return 0;
  if (places->count == places->most)
    return th_fail(places->reason, TH_ESTARTUP, CAPABILITY " names more than %zu places",
                   places->most);
  places->all[places->count++] = (struct th_address){.ip = ip, .port = port};
  return 0;
}

/* Asks the network for a name; no host at all is this machine. */
static int look_up(const char *host, uint32_t *ip, struct th_reason *reason) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
  struct sockaddr_in address;
  uint16_t port = 0;
  *ip = INADDR_LOOPBACK;
  if (host[0] == '\0' || strcmp(host, "localhost") == 0) return 0;
  if (th_place_parse(host, strlen(host), ip, &port) == 0 && port == 0) return 0;
  int error = getaddrinfo(host, NULL, &hints, &found);
  if (error != 0)
    return th_fail(reason, TH_ESTARTUP, CAPABILITY ": host \"%s\" is not known here: %s", host,
                   gai_strerror(error));
  memcpy(&address, found->ai_addr, sizeof address);
  freeaddrinfo(found);
  *ip = ntohl(address.sin_addr.s_addr);
  return 0;
}

static int add_host(struct places *places, const char *host, size_t size, int64_t port) {
  char name[LONGEST_HOST + 1];
  uint32_t ip;
  if (port < 1 || port > UINT16_MAX)
    return th_fail(places->reason, TH_ESTARTUP, CAPABILITY ": %lld is no port: use 1 to 65535",
                   (long long)port);
  if (size > LONGEST_HOST || memchr(host, '\0', size) != NULL)
    return th_fail(places->reason, TH_ESTARTUP, CAPABILITY ": a host has a name of 1 to 255 bytes");
  snprintf(name, sizeof name, "%.*s", (int)size, host);
  int error = look_up(name, &ip, places->reason);
  return error != 0 ? error : add(places, ip, (uint16_t)port);
}

/* A port in decimal digits; -1 for anything else. */
static int64_t read_port(const char *text, size_t size) {
  int64_t port = 0;
  if (size == 0 || size > 5) return -1;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    port = port * 10 + (text[i] - '0');
  }
  return port;
}

/* "host:port" or "host". */
static int add_text(struct places *places, const struct th_item *item) {
  const char *text = (const char *)item->data, *colon = memchr(text, ':', item->size);
  if (colon == NULL) return add_host(places, text, item->size, places->default_port);
  size_t host_size = (size_t)(colon - text), rest = item->size - host_size - 1;
  int64_t port = read_port(colon + 1, rest);
  if (port < 0)
    return th_fail(places->reason, TH_ESTARTUP,
                   CAPABILITY ": \"%.*s\" has no port after its colon: write \"host:port\"",
                   (int)(item->size < 300 ? item->size : 300), text);
  return add_host(places, text, host_size, port);
}

/* The port that makes an array of two a pair {host, port}; -1 where it is a list. */
static int64_t pair_port(const struct th_item *second) {
  if (second->type == TH_ITEM_INT) return second->integer < 0 ? 0 : second->integer;
  return second->type == TH_ITEM_STR ? read_port((const char *)second->data, second->size) : -1;
}

/* Where an array is a pair, adds it and sets *is_pair. reader stands behind the array's head. */
static int add_pair(struct places *places, struct th_unpack reader, uint32_t count, bool *is_pair) {
  struct th_item host, port;
  *is_pair = false;
  if (count != 2 || !th_unpack_next(&reader, &host) || host.type != TH_ITEM_STR) return 0;
  if (!th_unpack_next(&reader, &port) || pair_port(&port) < 0) return 0;
  *is_pair = true;
  return add_host(places, (const char *)host.data, host.size, pair_port(&port));
}

static int refuse(struct places *places) {
  return th_fail(places->reason, TH_ESTARTUP,
                 CAPABILITY " is \"host:port\", {host, port} or a list of these");
}

/* Adds one place; where it is an array, which is no pair, its items. They have no items again. */
static int add_value(struct places *places, struct th_unpack *reader, bool is_item) {
  struct th_item item;
  bool is_pair;
  size_t size;
  if (!th_unpack_next(reader, &item)) return refuse(places);
  if (item.type == TH_ITEM_STR) return add_text(places, &item);
  if (item.type != TH_ITEM_ARRAY) return refuse(places);
  int error = add_pair(places, *reader, item.count, &is_pair);
  if (error != 0) return error;
  for (uint32_t i = 0; i < item.count && is_pair; i++) th_unpack_skip(reader, &size);
  if (is_pair) return 0;
  if (is_item) return refuse(places);
  for (uint32_t i = 0; i < item.count && error == 0; i++) error = add_value(places, reader, true);
  return error;
}

int th_convention_places(const void *capabilities, size_t size, uint16_t default_port,
                         struct th_address *all, size_t most, size_t *count,
                         struct th_reason *reason) {
  struct places places = {.all = all, .most = most, .default_port = default_port, .reason = reason};
  struct th_unpack reader;
  size_t value_size = 0;
  *count = 0;
  const unsigned char *value = th_capability_find(capabilities, size, CAPABILITY, &value_size);
  if (value == NULL) return 0;
  th_unpack_init(&reader, value, value_size);
  if (th_unpack_nil(&reader)) return 0;
  int error = add_value(&places, &reader, false);
  if (error == 0) *count = places.count;
  return error;
}

/* ---- as they travel ---- */

static void pack_place(struct th_buffer *buffer, const struct th_address *place) {
  char text[32];
  if (place == NULL || place->port == 0) {
    th_pack_nil(buffer);
    return;
  }
  snprintf(text, sizeof text, "%u.%u.%u.%u:%u", place->ip >> 24, place->ip >> 16 & 255,
           place->ip >> 8 & 255, place->ip & 255, place->port);
  th_pack_text(buffer, text);
}

void th_convention_pack_met(struct th_buffer *buffer, const struct th_address *admin,
                            const struct th_address *place) {
  th_pack_array(buffer, 3);
  th_pack_int(buffer, TH_CONVENTION_MET);
  th_pack_address(buffer, admin);
  pack_place(buffer, place);
}

void th_convention_pack_parted(struct th_buffer *buffer, const struct th_address *admin,
                               const struct th_address *place, int end, const char *words) {
  th_pack_array(buffer, 5);
  th_pack_int(buffer, TH_CONVENTION_PARTED);
  th_pack_address(buffer, admin);
  pack_place(buffer, place);
  th_pack_int(buffer, end);
  th_pack_text(buffer, words);
}

struct th_address th_convention_read_place(struct th_unpack *reader) {
  struct th_address place = TH_NOBODY;
  struct th_item item;
  if (!th_unpack_next(reader, &item) || item.type == TH_ITEM_NIL) return place;
  bool is_read = item.type == TH_ITEM_STR
                   ? th_place_parse((const char *)item.data, item.size, &place.ip, &place.port) == 0
                   : item.type == TH_ITEM_EXT && th_item_address(&item, &place);
  if (is_read && (place.port != 0 || place.system != 0)) return place;
  reader->error = TH_EMALFORMED;
  reader->at = reader->end;
  return TH_NOBODY;
}
