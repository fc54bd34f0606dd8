#include "transport/interface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* Any port: connecting a datagram socket only asks the kernel for a route. */
#define SOME_PORT 9

static uint32_t read_address(const struct sockaddr *address) {
  return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
}

static uint32_t ask_route(uint32_t ip) {
  struct sockaddr_in there = {
    .sin_family = AF_INET, .sin_port = htons(SOME_PORT), .sin_addr.s_addr = htonl(ip)};
  struct sockaddr_in here = {0};
  socklen_t size = sizeof here;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  if (connect(fd, (const struct sockaddr *)&there, sizeof there) != 0 ||
      getsockname(fd, (struct sockaddr *)&here, &size) != 0)
    here.sin_addr.s_addr = 0;
  close(fd);
  return ntohl(here.sin_addr.s_addr);
}

static uint32_t first_interface(void) {
  struct ifaddrs *all;
  uint32_t found = 0;
  if (getifaddrs(&all) != 0) return 0;
  for (const struct ifaddrs *one = all; one != NULL && found == 0; one = one->ifa_next)
    if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET &&
        (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0)
      found = read_address(one->ifa_addr);
  freeifaddrs(all);
  return found;
}

uint32_t th_interface_toward(uint32_t ip) {
  uint32_t found = ip != 0 ? ask_route(ip) : 0;
  if (found == 0) found = first_interface();
  return found != 0 ? found : INADDR_LOOPBACK;
}
