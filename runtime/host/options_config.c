#include "host/options_config.h"

#include <stdlib.h>
#include <string.h>

#include "host/json.h"
#include "message/pack.h"

struct key {
  const char *text;
  size_t size;
};

/* "log_file" is "log-file": Lua's names have no dashes. */
static bool is_named(const struct key *key, const char *name) {
  if (strlen(name) != key->size) return false;
  for (size_t i = 0; i < key->size; i++) {
    char each = key->text[i] == '_' ? '-' : key->text[i];
    if (each != name[i]) return false;
  }
  return true;
}

static enum th_option find_option(const struct th_command_usage *command, const struct key *key) {
  uint64_t wanted = command->options & ~(TH_BIT(HELP) | TH_BIT(CONFIG) | TH_BIT(CAPABILITY));
  for (int i = 0; i < TH_OPTION_COUNT; i++) {
    bool is_wanted = (wanted & UINT64_C(1) << i) != 0;
    if (is_wanted && is_named(key, th_option_usages[i].name)) return (enum th_option)i;
  }
  return TH_OPTION_COUNT;
}

/* Texts as they are, numbers by their digits. */
static int add_text(struct th_options *options, enum th_option option, const void *value,
                    size_t size) {
  struct th_buffer text;
  th_buffer_init(&text);
  int error = th_json_from_pack(value, size, &text);
  if (error == 0 && memchr(text.data, '\0', text.size) != NULL) error = TH_EUSAGE;
  if (error == 0) th_options_add(options, option, (const char *)text.data, text.size);
  th_buffer_clear(&text);
  return error;
}

/* A table as the JSON that the command line would have. */
static int add_handler(struct th_options *options, const void *value, size_t size) {
  struct th_buffer text;
  th_buffer_init(&text);
  int error = th_json_write(value, size, &text);
  if (error == 0) {
    th_options_add(options, TH_OPTION_LOG_HANDLER, (const char *)text.data, text.size);
  }
  th_buffer_clear(&text);
  return error;
}

static bool is_text(enum th_item_type type) {
  return type == TH_ITEM_STR || type == TH_ITEM_INT || type == TH_ITEM_REAL;
}

/* One text, or one handler. */
static int add_item(struct th_options *options, enum th_option option, const void *value,
                    size_t size) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, value, size);
  if (!th_unpack_next(&reader, &item)) return TH_EUSAGE;
  if (is_text(item.type)) return add_text(options, option, value, size);
  if (option != TH_OPTION_LOG_HANDLER) return TH_EUSAGE;
  if (item.type == TH_ITEM_MAP) return add_handler(options, value, size);
  if (item.type != TH_ITEM_ARRAY || item.count != 0) return TH_EUSAGE;
  th_options_add(options, option, "{}", 2); /* the empty table again */
  return 0;
}

static int add_list(struct th_options *options, enum th_option option, struct th_unpack *reader,
                    uint32_t count) {
  int error = 0;
  if (count == 0 && option == TH_OPTION_LOG_HANDLER) th_options_add(options, option, "none", 4);
  for (uint32_t i = 0; i < count && error == 0; i++) {
    size_t size;
    const unsigned char *value = th_unpack_skip(reader, &size);
    error = value != NULL ? add_item(options, option, value, size) : TH_EUSAGE;
  }
  return error;
}

static int add_value(struct th_options *options, enum th_option option, const void *value,
                     size_t size) {
  struct th_unpack reader;
  struct th_item item;
  bool is_flag = th_option_usages[option].value == NULL;
  th_unpack_init(&reader, value, size);
  if (!th_unpack_next(&reader, &item)) return TH_EUSAGE;
  if (is_flag) {
    if (item.type != TH_ITEM_BOOL) return TH_EUSAGE;
    if (item.boolean) th_options_add(options, option, "", 0);
    return 0;
  }
  if (item.type == TH_ITEM_ARRAY) return add_list(options, option, &reader, item.count);
  return add_item(options, option, value, size);
}

static int add_pair(struct th_options *options, const struct th_command_usage *command,
                    const struct key *key, const void *value, size_t size,
                    struct th_reason *reason) {
  if (is_named(key, "capabilities") && (command->options & TH_BIT(CAPABILITY)) != 0) {
    struct th_reason why;
    if (th_pairs_merge(&options->capabilities, value, size, &why) == 0) return 0;
    return th_fail(reason, TH_EUSAGE, "in the config file: capabilities is %s", why.words);
  }
  enum th_option option = find_option(command, key);
  if (option == TH_OPTION_COUNT) {
    return th_fail(reason, TH_EUSAGE, "in the config file: no option \"%.*s\"", (int)key->size,
                   key->text);
  }
  if (add_value(options, option, value, size) == 0) return 0;
  return th_fail(reason, TH_EUSAGE, "in the config file: %.*s has a value of the wrong type",
                 (int)key->size, key->text);
}

int th_options_config(struct th_options *options, const struct th_command_usage *command,
                      const void *table, size_t size, struct th_reason *reason) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, table, size);
  th_unpack_next(&reader, &item);
  if (item.type == TH_ITEM_ARRAY && item.count == 0) return 0; /* how Lua's empty table travels */
  if (item.type != TH_ITEM_MAP) {
    return th_fail(reason, TH_EUSAGE, "the config file does not give a table of options");
  }
  for (uint32_t i = 0; i < item.count; i++) {
    struct key key;
    size_t value_size;
    key.text = th_unpack_str(&reader, &key.size);
    const unsigned char *value = th_unpack_skip(&reader, &value_size);
    if (key.text == NULL || value == NULL) {
      return th_fail(reason, TH_EUSAGE, "the config file does not give a table of options");
    }
    int error = add_pair(options, command, &key, value, value_size, reason);
    if (error != 0) return error;
  }
  return 0;
}
