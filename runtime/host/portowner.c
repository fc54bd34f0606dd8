#include "host/portowner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"
#include "host/client.h"
#include "message/address.h"

/* What waits longer before it says who it is would keep the one who starts a system waiting,
 * too. */
#define GREETING_TIME TH_SECOND

/* A TCP socket that listens, and a UDP socket that is connected to nobody. */
#define LISTENING 0x0a
#define UNCONNECTED 0x07

/* ---- by asking ------------------------------------------------------------------------------- */

static bool ask(enum th_carrier carrier, uint32_t ip, uint16_t port, char *out, size_t size) {
  struct in_addr network = {.s_addr = htonl(ip != 0 ? ip : INADDR_LOOPBACK)};
  char host[INET_ADDRSTRLEN];
  struct th_client *client;
  inet_ntop(AF_INET, &network, host, sizeof host);
  uint64_t until = th_clock_after(GREETING_TIME);
  if (th_client_connect_over(&client, carrier, host, port, until, NULL) != 0) return false;
  snprintf(out, size, "a Thespian system (%s, version %s, pid %lld)", th_client_base(client),
           th_client_version(client), (long long)th_client_pid(client));
  th_client_close(client);
  return true;
}

/* ---- by looking ------------------------------------------------------------------------------ */

/* The last 8 digits: all of an IPv4 address, and of an IPv6 address what it maps to. */
static bool covers(const char *digits, uint32_t ip) {
  size_t size = strlen(digits);
  if (size < 8) return false;
  if (strspn(digits, "0") == size || ip == 0) return true;
  /* The kernel prints the four bytes as they lie in memory, as one number of this machine. */
  return strtoul(digits + size - 8, NULL, 16) == htonl(ip);
}

/* The inode of the listening socket in one line of the table; 0 when it is another socket. */
static unsigned long read_line(const char *line, unsigned wanted, uint32_t ip, uint16_t port) {
  char digits[33];
  unsigned local_port, state;
  unsigned long inode;
  int found = sscanf(line, "%*d: %32[0-9A-Fa-f]:%x %*[^ ] %x %*s %*s %*s %*s %*s %lu", digits,
                     &local_port, &state, &inode);
  bool is_it = found == 4 && state == wanted && local_port == port && covers(digits, ip);
  return is_it ? inode : 0;
}

static unsigned long find_inode(const char *table, unsigned state, uint32_t ip, uint16_t port) {
  char line[512];
  unsigned long inode = 0;
  FILE *file = fopen(table, "re");
  if (file == NULL) return 0;
  while (inode == 0 && fgets(line, sizeof line, file) != NULL)
    inode = read_line(line, state, ip, port);
  fclose(file);
  return inode;
}

static bool has_socket(const char *pid, unsigned long inode) {
  char path[64], wanted[64], target[64];
  snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
  snprintf(path, sizeof path, "/proc/%.16s/fd", pid);
  DIR *folder = opendir(path);
  if (folder == NULL) return false;
  bool has = false;
  struct dirent *entry;
  while (!has && (entry = readdir(folder)) != NULL) {
    ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
    if (size < 0) continue;
    target[size] = '\0';
    has = strcmp(target, wanted) == 0;
  }
  closedir(folder);
  return has;
}

static void write_name(const char *pid, char *out, size_t size) {
  char path[64], name[64] = "";
  struct th_buffer shown;
  snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    if (fgets(name, sizeof name, file) != NULL) name[strcspn(name, "\n")] = '\0';
    fclose(file);
  }
  th_buffer_init(&shown);
  th_printable_append(&shown, name, strlen(name), "");
  th_buffer_append(&shown, "", 1);
  const char *words = shown.size > 1 ? (const char *)shown.data : "a program";
  snprintf(out, size, "%s (pid %s)", words, pid);
  th_buffer_clear(&shown);
}

/* Others' sockets are hidden from all but root; then no process is found. */
static bool find_process(unsigned long inode, char *out, size_t size) {
  DIR *folder = opendir("/proc");
  if (folder == NULL) return false;
  bool found = false;
  struct dirent *entry;
  while (!found && (entry = readdir(folder)) != NULL) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    found = has_socket(entry->d_name, inode);
    if (found) write_name(entry->d_name, out, size);
  }
  closedir(folder);
  return found;
}

bool th_port_owner(enum th_carrier carrier, uint32_t ip, uint16_t port, char *out, size_t size) {
  bool is_udp = carrier == TH_CARRIER_UDP;
  unsigned state = is_udp ? UNCONNECTED : LISTENING;
  unsigned long inode = find_inode(is_udp ? "/proc/self/net/udp" : "/proc/self/net/tcp", state, ip,
                                   port);
  if (inode == 0)
    inode = find_inode(is_udp ? "/proc/self/net/udp6" : "/proc/self/net/tcp6", state, ip, port);
  if (inode == 0) return false;
  if (ask(carrier, ip, port, out, size) || find_process(inode, out, size)) return true;
  snprintf(out, size, "another program");
  return true;
}

int th_port_in_use(enum th_carrier carrier, const char *host, uint16_t port, const char *remedy,
                   struct th_reason *reason) {
  char owner[256];
  uint32_t ip = INADDR_LOOPBACK;
  uint16_t none = 0;
  bool is_here = strcmp(host, "localhost") == 0 ||
                 th_place_parse(host, strlen(host), &ip, &none) == 0;
  bool is_known = is_here && th_port_owner(carrier, ip, port, owner, sizeof owner);
  return th_fail(reason, TH_ESTARTUP, "port %u on %s is in use by %s; %s", port, host,
                 is_known ? owner : "another program", remedy);
}
