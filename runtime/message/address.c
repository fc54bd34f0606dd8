#include "message/address.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"

char *th_address_text(const struct th_address *address, char *out) {
  if (th_address_is_none(address)) {
    snprintf(out, TH_ADDRESS_TEXT_SIZE, "nobody");
    return out;
  }
  int size = snprintf(out, TH_ADDRESS_TEXT_SIZE, "a%" PRIu64 ".%016" PRIx64, address->number,
                      address->system);
  if (address->ip == 0 && address->port == 0) return out;
  snprintf(out + size, TH_ADDRESS_TEXT_SIZE - (size_t)size, "@%u.%u.%u.%u:%u", address->ip >> 24,
           address->ip >> 16 & 255, address->ip >> 8 & 255, address->ip & 255, address->port);
  return out;
}

/* The text still to be read; each reader below takes its part and tells whether it was there. */
struct rest {
  const char *at;
  const char *end;
};

static bool take_char(struct rest *rest, char expected) {
  if (rest->at == rest->end || *rest->at != expected) return false;
  rest->at++;
  return true;
}

static int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return 16;
}

/* A decimal number, with no zero before its first digit. */
static bool take_decimal(struct rest *rest, uint64_t max, uint64_t *value) {
  const char *start = rest->at;
  uint64_t sum = 0;
  for (; rest->at < rest->end && digit_value(*rest->at) < 10; rest->at++) {
    uint64_t digit = (uint64_t)digit_value(*rest->at);
    if (sum > max / 10 || digit > max - sum * 10) return false;
    sum = sum * 10 + digit;
  }
  if (rest->at == start || (*start == '0' && rest->at - start > 1)) return false;
  *value = sum;
  return true;
}

static bool take_hexadecimal(struct rest *rest, uint64_t *value) {
  const char *start = rest->at;
  uint64_t sum = 0;
  for (; rest->at < rest->end && digit_value(*rest->at) < 16; rest->at++) {
    if (rest->at - start == 16) return false;
    sum = sum << 4 | (uint64_t)digit_value(*rest->at);
  }
  *value = sum;
  return rest->at != start;
}

static bool take_ip(struct rest *rest, uint32_t *ip) {
  uint32_t sum = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t part;
    if (i != 0 && !take_char(rest, '.')) return false;
    if (!take_decimal(rest, 255, &part)) return false;
    sum = sum << 8 | (uint32_t)part;
  }
  *ip = sum;
  return true;
}

static bool take_port(struct rest *rest, uint16_t *port) {
  uint64_t value;
  if (!take_char(rest, ':') || !take_decimal(rest, UINT16_MAX, &value)) return false;
  *port = (uint16_t)value;
  return true;
}

int th_address_parse(const char *text, size_t size, struct th_address *address) {
  struct rest rest = {text, text + size};
  struct th_address parsed = TH_NOBODY;
  if (!take_char(&rest, 'a') || !take_decimal(&rest, UINT64_MAX, &parsed.number))
    return TH_EADDRESS;
  if (!take_char(&rest, '.') || !take_hexadecimal(&rest, &parsed.system)) return TH_EADDRESS;
  if (take_char(&rest, '@') && (!take_ip(&rest, &parsed.ip) || !take_port(&rest, &parsed.port)))
    return TH_EADDRESS;
  if (rest.at != rest.end || th_address_is_none(&parsed)) return TH_EADDRESS;
  *address = parsed;
  return 0;
}

int th_place_parse(const char *text, size_t size, uint32_t *ip, uint16_t *port) {
  struct rest rest = {text, text + size};
  uint32_t parsed_ip = 0;
  uint16_t parsed_port = *port;
  if (!take_ip(&rest, &parsed_ip)) return TH_EADDRESS;
  if (rest.at != rest.end && !take_port(&rest, &parsed_port)) return TH_EADDRESS;
  if (rest.at != rest.end) return TH_EADDRESS;
  *ip = parsed_ip;
  *port = parsed_port;
  return 0;
}
