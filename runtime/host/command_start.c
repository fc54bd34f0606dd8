#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/command.h"
#include "host/daemon.h"
#include "host/portowner.h"
#include "host/runlog.h"
#include "host/signals.h"
#include "host/trust.h"
#include "host/view.h"
#include "system/system.h"

/* What a bundle or an actor at the start may take: as long as any other request. */
#define REQUEST_TIME (50 * TH_SECOND)

/* Seconds that the system's own threads may take to end when every actor is gone. */
#define GRACE 5.0

struct service {
  struct th_command *command;
  struct th_pairs capabilities;
  struct th_texts path;  /* absolute */
  struct th_pairs trust; /* what the source authority is created with */
  struct th_log *log;
  struct th_system *system;
  int report; /* -1 in the foreground */
};

/* ---- before it starts ------------------------------------------------------------------------ */

/* Relative folders are those of now: actors may change where the process is. */
static int find_path(struct service *service, struct th_reason *reason) {
  const struct th_texts *given = &service->command->options->texts[TH_OPTION_PATH];
  service->path.list = th_alloc_zeroed(given->count + 1, sizeof *service->path.list);
  for (size_t i = 0; i < given->count; i++) {
    char *folder = realpath(given->list[i], NULL);
    if (folder == NULL) {
      return th_fail(reason, -errno, "no folder %s for modules: %s", given->list[i],
                     strerror(errno));
    }
    service->path.list[service->path.count++] = folder;
  }
  return 0;
}

/* The options for the place and the leader are capabilities with names of their own. */
static void collect_capabilities(struct service *service) {
  const struct th_options *options = service->command->options;
  struct th_pairs *capabilities = &service->capabilities;
  for (size_t i = 0; i < options->capabilities.count; i++) {
    const struct th_pair *pair = &options->capabilities.list[i];
    th_pairs_put(capabilities, pair->name, pair->name_size, pair->value.data, pair->value.size);
  }
  const char *host = th_options_text(options, TH_OPTION_HOST, NULL);
  const char *leader = th_options_text(options, TH_OPTION_CONVENTION, NULL);
  if (host != NULL) th_pairs_put_text(capabilities, "Admin Host", host);
  if (leader != NULL) th_pairs_put_text(capabilities, "Convention Address.IPv4", leader);
  if (th_options_has(options, TH_OPTION_PORT)) {
    th_pairs_put_int(capabilities, "Admin Port", options->port);
  }
}

/* In the background what actors print goes to the log, too. */
static int open_log(struct service *service, struct th_reason *reason) {
  const struct th_options *options = service->command->options;
  bool is_child = service->report >= 0;
  struct th_runlog said = {.file = th_options_text(options, TH_OPTION_LOG_FILE, NULL),
                           .level = th_options_text(options, TH_OPTION_LOG_LEVEL, NULL),
                           .format = th_options_text(options, TH_OPTION_LOG_FORMAT, NULL),
                           .handlers = options->log_handlers.list,
                           .handler_count = options->log_handlers.count,
                           .takes_streams = is_child};
  return th_runlog_open(&service->log, &said, is_child, reason);
}

/* ---- the start ------------------------------------------------------------------------------- */

static const char *base_of(const struct service *service) {
  return th_options_text(service->command->options, TH_OPTION_BASE, TH_BASE_TCP);
}

/* Where it was to listen, as the system reads it. */
static void find_place(const struct service *service, char *host, size_t size, uint16_t *port) {
  struct th_buffer capabilities;
  size_t text_size;
  th_buffer_init(&capabilities);
  th_pairs_pack(&service->capabilities, &capabilities);
  struct th_view map = {capabilities.data, capabilities.size};
  const char *text = th_view_text(map, "Admin Host", &text_size);
  int64_t number = th_view_int(map, "Admin Port");
  snprintf(host, size, "%.*s", (int)text_size, text);
  if (text_size == 0) snprintf(host, size, "127.0.0.1");
  *port = number != 0 ? (uint16_t)number : th_base_port(base_of(service));
  th_buffer_clear(&capabilities);
}

static int explain(const struct service *service, struct th_reason *reason) {
  char host[64];
  uint16_t port;
  find_place(service, host, sizeof host, &port);
  return th_port_in_use(th_base_carrier(base_of(service)), host, port,
                        "choose another with --port, or --port 0 for any free one", reason);
}

static int start_system(struct service *service, struct th_reason *reason) {
  struct th_buffer capabilities;
  th_buffer_init(&capabilities);
  th_pairs_pack(&service->capabilities, &capabilities);
  struct th_system_config config = {.base = base_of(service),
                                    .capabilities = capabilities.data,
                                    .capabilities_size = capabilities.size,
                                    .script = service->command->language->script(),
                                    .log = service->log,
                                    .path = (const char *const *)service->path.list,
                                    .path_count = service->path.count,
                                    .is_guarded = th_trust_is_asked(service->command->options)};
  int error = th_system_start(&service->system, &config, reason);
  th_buffer_clear(&capabilities);
  return error == -EADDRINUSE ? explain(service, reason) : error;
}

/* ---- what is loaded and created then --------------------------------------------------------- */

struct hashes {
  char (*list)[TH_DIGEST_TEXT_SIZE];
  size_t count;
};

static int load_all(const struct service *service, struct th_client *client, struct hashes *hashes,
                    struct th_reason *reason) {
  const struct th_texts *files = &service->command->options->texts[TH_OPTION_LOAD];
  hashes->list = th_alloc_zeroed(files->count + 1, sizeof *hashes->list);
  for (size_t i = 0; i < files->count; i++) {
    int error = th_command_send_bundle(client, files->list[i], th_clock_after(REQUEST_TIME),
                                       hashes->list[i], reason);
    if (error != 0) return error;
    hashes->count++;
  }
  return 0;
}

/* Looks in each bundle in turn, which is how a class of one that was given first is meant, and
 * without any where there is none. */
static int create(struct th_client *client, const char *class_name, const char *name,
                  const struct hashes *hashes, struct th_reason *reason) {
  struct th_address address;
  int error = TH_ESPECIFICATION;
  for (size_t i = 0; i == 0 || (i < hashes->count && error == TH_ESPECIFICATION); i++) {
    const char *source = hashes->count != 0 ? hashes->list[i] : NULL;
    error = th_command_send_class(client, class_name, NULL, name, source,
                                  th_clock_after(REQUEST_TIME), &address, reason);
  }
  return error;
}

static int create_all(const struct service *service, struct th_client *client,
                      const struct hashes *hashes, struct th_reason *reason) {
  const struct th_texts *classes = &service->command->options->texts[TH_OPTION_CREATE];
  int error = 0;
  for (size_t i = 0; i < classes->count && error == 0; i++) {
    char *class_name = th_strdup(classes->list[i]);
    char *at = strchr(class_name, '@');
    if (at != NULL) *at++ = '\0';
    error = create(client, class_name, at, hashes, reason);
    free(class_name);
  }
  return error;
}

/* Nothing is loaded before it is there: the system has been guarded from its beginning. */
static int create_authority(const struct service *service, struct th_client *client,
                            struct th_reason *reason) {
  struct th_address address;
  if (!th_trust_is_asked(service->command->options)) return 0;
  return th_command_send_class(client, TH_TRUST_CLASS, &service->trust, TH_TRUST_NAME, NULL,
                               th_clock_after(REQUEST_TIME), &address, reason);
}

static int furnish(const struct service *service, struct th_reason *reason) {
  struct th_client *client;
  struct hashes hashes = {0};
  int error = th_client_attach(&client, service->system);
  if (error != 0) return th_fail(reason, error, "%s", th_error_words(error));
  error = create_authority(service, client, reason);
  if (error == 0) error = load_all(service, client, &hashes, reason);
  if (error == 0) error = create_all(service, client, &hashes, reason);
  free(hashes.list);
  th_client_close(client);
  return error;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void on_signal(void *context, int signal) {
  const struct service *service = context;
  th_log_write(service->log, TH_LOG_INFO, "%s: shutting down", strsignal(signal));
  th_system_shutdown(service->system);
}

/* One line: base, address, port. False when nobody waits for it any more. */
static bool announce(const struct service *service) {
  char line[128], ip[INET_ADDRSTRLEN];
  const struct th_address *admin = th_system_admin(service->system);
  struct in_addr network = {.s_addr = htonl(admin->ip)};
  inet_ntop(AF_INET, &network, ip, sizeof ip);
  snprintf(line, sizeof line, "%s %s %u", th_system_base(service->system), ip,
           th_system_port(service->system));
  if (service->report >= 0) return th_daemon_report_ready(service->report, line);
  puts(line);
  fflush(stdout);
  return true;
}

static int run(struct service *service, struct th_reason *reason) {
  struct th_signals *signals = NULL;
  int error = th_signals_watch(&signals, on_signal, service);
  if (error != 0) return th_fail(reason, error, "no thread for signals: %s", th_error_words(error));
  error = furnish(service, reason);
  if (error == 0) {
    if (!announce(service)) th_system_shutdown(service->system);
    th_system_wait(service->system, TH_FOREVER);
  }
  th_signals_stop(signals);
  return error;
}

/* Actors that do not return hold threads that cannot be joined; the process then ends with them. */
static void stop_system(struct service *service) {
  if (th_system_free(service->system, GRACE)) return;
  th_log_write(service->log, TH_LOG_WARNING, "an actor does not return: its thread is abandoned");
  fflush(stdout);
  _exit(1);
}

static int serve(struct service *service, struct th_reason *reason) {
  int error = find_path(service, reason);
  if (error == 0) error = th_trust_read(service->command->options, &service->trust, reason);
  if (error == 0) error = open_log(service, reason);
  if (error != 0) return error;
  collect_capabilities(service);
  if ((error = start_system(service, reason)) != 0) return error;
  error = run(service, reason);
  if (error != 0 && service->report >= 0) {
    th_daemon_report_error(service->report, error, reason->words);
    service->report = -1;
  }
  stop_system(service);
  return error;
}

int th_command_start(struct th_command *command, struct th_reason *reason) {
  struct service service = {.command = command, .report = -1};
  bool is_child = false;
  int error = 0;
  if (th_options_has(command->options, TH_OPTION_DAEMON)) {
    error = th_daemon_fork(&is_child, &service.report, reason);
    if (!is_child) return error;
  }
  error = serve(&service, reason);
  if (error != 0 && service.report >= 0)
    th_daemon_report_error(service.report, error, reason->words);
  command->has_complained = is_child;
  th_pairs_clear(&service.capabilities);
  th_pairs_clear(&service.trust);
  for (size_t i = 0; i < service.path.count; i++) free(service.path.list[i]);
  free(service.path.list);
  th_log_close(service.log);
  return error;
}
