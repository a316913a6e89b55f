#include "config_internal.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "check.h"
#include "memory.h"

/* libyaml's events are used rather than its documents: a document no longer tells which nodes were
 * aliases or had anchors, and those are refused. */

/* A list or mapping that is still open. */
typedef struct level {
    int node;
    int last; /* its last child so far, or -1 */
    int key;  /* in a mapping: the key that waits for its value, or -1 */
} level_t;

typedef struct reader {
    mcbe_tree_t *tree;
    mcbe_report_t *report;
    const char *path;
    int source;
    int root;
    int documents;
    int stopped; /* an error after which the rest makes no sense */
    int depth;
    level_t levels[MCBE_CONFIG_DEPTH];
} reader_t;

/* --- building the tree --- */

static mcbe_status_t add_node(mcbe_tree_t *tree, mcbe_node_kind_t kind, mcbe_place_t place,
                              int *node)
{
    mcbe_status_t st = MCBE_OK;
    MCBE_TRY(
        mcbe_grow((void **)&tree->nodes, &tree->capacity, tree->count + 1, sizeof *tree->nodes));
    *node = (int)tree->count++;
    tree->nodes[*node] =
        (mcbe_node_t){.kind = kind, .place = place, .key = -1, .first = -1, .next = -1};
out:
    return st;
}

static mcbe_status_t add_text(mcbe_tree_t *tree, mcbe_place_t place, const char *text, int *node)
{
    mcbe_status_t st = add_node(tree, MCBE_NODE_TEXT, place, node);
    if (st == MCBE_OK && !(tree->nodes[*node].text = mcbe_strdup(text))) {
        st = MCBE_ERR_NOMEM;
    }
    return st;
}

/* Append a child to a list or mapping whose last child so far is `last`. */
static void append_child(mcbe_tree_t *tree, int parent, int last, int child)
{
    if (last < 0) {
        tree->nodes[parent].first = child;
    } else {
        tree->nodes[last].next = child;
    }
    tree->nodes[parent].count++;
}

int mcbe_tree_find(const mcbe_tree_t *tree, int map, const char *name, size_t length)
{
    for (int at = tree->nodes[map].first; at >= 0; at = tree->nodes[at].next) {
        const char *text = tree->nodes[tree->nodes[at].key].text;
        if (text && strlen(text) == length && memcmp(text, name, length) == 0) {
            return at;
        }
    }
    return -1;
}

void mcbe_tree_free(mcbe_tree_t *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        mcbe_free(tree->nodes[i].text);
    }
    mcbe_free(tree->nodes);
    *tree = (mcbe_tree_t){0};
}

/* --- reading --- */

static mcbe_place_t place_of(const reader_t *reader, yaml_mark_t mark)
{
    return (mcbe_place_t){
        .source = reader->source, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

static void stop(reader_t *reader, mcbe_place_t place, const char *sentence)
{
    mcbe_report_add(reader->report, place, reader->path, "%s", sentence);
    reader->stopped = 1;
}

/* Hang a new node where it belongs: at the top, in a list, or in a mapping as key or value. */
static void place_node(reader_t *reader, int node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return;
    }
    mcbe_tree_t *tree = reader->tree;
    level_t *level = &reader->levels[reader->depth - 1];
    mcbe_node_t *added = &tree->nodes[node];
    if (tree->nodes[level->node].kind == MCBE_NODE_MAP) {
        if (level->key < 0) {
            level->key = node;
            if (added->kind != MCBE_NODE_TEXT && added->kind != MCBE_NODE_REFUSED) {
                mcbe_report_add(reader->report, added->place, reader->path,
                                "a list or mapping cannot be a key; a key is plain text");
            } else if (added->text && !added->quoted && strcmp(added->text, "<<") == 0) {
                mcbe_report_add(reader->report, added->place, reader->path,
                                "merge keys (<<) are not allowed; write the keys out");
                added->kind = MCBE_NODE_REFUSED;
            }
            return;
        }
        added->key = level->key;
        level->key = -1;
        if (tree->nodes[level->node].count == MCBE_CONFIG_MAP_ENTRIES) {
            stop(reader, added->place,
                 "this mapping has more keys than any experiment (over 1000)");
            return;
        }
    }
    append_child(tree, level->node, level->last, node);
    level->last = node;
}

static void open_level(reader_t *reader, int node)
{
    if (reader->depth == MCBE_CONFIG_DEPTH) {
        stop(reader, reader->tree->nodes[node].place,
             "lists and mappings are nested deeper than any experiment's (over 16)");
        return;
    }
    reader->levels[reader->depth++] = (level_t){.node = node, .last = -1, .key = -1};
}

/* Anchors and tags change what a reader of the file sees; a config has no use for either. */
static void refuse_decoration(reader_t *reader, mcbe_place_t place, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    char shown[MCBE_SHOWN_MAX];
    if (anchor) {
        mcbe_show((const char *)anchor, shown);
        mcbe_report_add(reader->report, place, reader->path,
                        "anchors (&%s) are not allowed; write the value out", shown);
    }
    if (tag) {
        mcbe_show((const char *)tag, shown);
        mcbe_report_add(reader->report, place, reader->path,
                        "tags (%s) are not allowed; the table of keys knows the types", shown);
    }
}

static mcbe_status_t take_scalar(reader_t *reader, const yaml_event_t *event, mcbe_place_t place,
                                 int *node)
{
    mcbe_status_t st = MCBE_OK;
    const char *text = (const char *)event->data.scalar.value;
    MCBE_TRY(add_text(reader->tree, place, text, node));
    reader->tree->nodes[*node].quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (strlen(text) != event->data.scalar.length) {
        mcbe_report_add(reader->report, place, reader->path,
                        "the text \"%s\\0...\" holds a NUL character, which is not allowed", text);
        reader->tree->nodes[*node].kind = MCBE_NODE_REFUSED;
    }
    refuse_decoration(reader, place, event->data.scalar.anchor, event->data.scalar.tag);
out:
    return st;
}

static mcbe_status_t take_event(reader_t *reader, const yaml_event_t *event)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_place_t place = place_of(reader, event->start_mark);
    int node = -1;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->documents++ > 0) {
            stop(reader, place, "a second document starts here; a config is one document");
        }
        break;
    case YAML_ALIAS_EVENT:
        mcbe_report_add(reader->report, place, reader->path,
                        "aliases (*...) are not allowed; write the value out");
        MCBE_TRY(add_node(reader->tree, MCBE_NODE_REFUSED, place, &node));
        place_node(reader, node);
        break;
    case YAML_SCALAR_EVENT:
        MCBE_TRY(take_scalar(reader, event, place, &node));
        place_node(reader, node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(reader, place, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        MCBE_TRY(add_node(reader->tree, MCBE_NODE_LIST, place, &node));
        place_node(reader, node);
        open_level(reader, node);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(reader, place, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        MCBE_TRY(add_node(reader->tree, MCBE_NODE_MAP, place, &node));
        place_node(reader, node);
        open_level(reader, node);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
out:
    return st;
}

/* Line and column of a byte, where libyaml gives none. */
static mcbe_place_t place_of_byte(const reader_t *reader, const char *text, size_t byte)
{
    mcbe_place_t place = {.source = reader->source, .line = 1, .column = 1};
    for (size_t i = 0; i < byte; i++) {
        place.column += ((unsigned char)text[i] & 0xC0U) != 0x80U; /* characters, not bytes */
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

static mcbe_status_t take_failure(reader_t *reader, const yaml_parser_t *parser, const char *text,
                                  size_t length)
{
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    reader->stopped = 1;
    if (parser->error == YAML_MEMORY_ERROR) {
        return MCBE_ERR_NOMEM;
    }
    if (parser->error == YAML_READER_ERROR) {
        size_t byte = parser->problem_offset < length ? parser->problem_offset : length;
        mcbe_report_add(reader->report, place_of_byte(reader, text, byte), reader->path,
                        "not a text file: %s", problem);
    } else if (parser->context && reader->source == MCBE_SOURCE_FILE) {
        mcbe_report_add(reader->report, place_of(reader, parser->problem_mark), reader->path,
                        "not YAML: %s %s that starts on line %d", problem, parser->context,
                        (int)parser->context_mark.line + 1);
    } else {
        mcbe_report_add(reader->report, place_of(reader, parser->problem_mark), reader->path,
                        "not YAML: %s", problem);
    }
    return MCBE_OK;
}

static mcbe_status_t take_events(reader_t *reader, const char *text, size_t length)
{
    mcbe_status_t st = MCBE_OK;
    yaml_parser_t parser;
    int ended = 0;
    if (!yaml_parser_initialize(&parser)) {
        return MCBE_ERR_NOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (!ended && !reader->stopped) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            MCBE_TRY(take_failure(reader, &parser, text, length));
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        st = take_event(reader, &event);
        yaml_event_delete(&event);
        if (st) {
            goto out;
        }
    }
out:
    yaml_parser_delete(&parser);
    return st;
}

mcbe_status_t mcbe_tree_read(mcbe_tree_t *tree, const char *text, size_t length, int source,
                             const char *path, mcbe_report_t *report, int *root)
{
    reader_t reader = {.tree = tree, .report = report, .path = path, .source = source, .root = -1};
    *root = -1;
    if (length > MCBE_CONFIG_BYTES) {
        stop(&reader, (mcbe_place_t){.source = source}, "longer than 1 MiB; this is no config");
        return MCBE_OK;
    }
    const char *nul = memchr(text, '\0', length);
    if (nul) {
        stop(&reader, place_of_byte(&reader, text, (size_t)(nul - text)),
             "not a text file: it holds a NUL byte");
        return MCBE_OK;
    }
    mcbe_status_t st = take_events(&reader, text, length);
    if (st == MCBE_OK && !reader.stopped && reader.root < 0 && source != MCBE_SOURCE_FILE) {
        st = add_text(tree, (mcbe_place_t){.source = source}, "", &reader.root);
    }
    if (st == MCBE_OK && !reader.stopped) {
        *root = reader.root;
    }
    return st;
}

/* --- overrides --- */

/* Let the mapping `map` hold `value` under the name, in place of what it held. */
static mcbe_status_t set_entry(mcbe_tree_t *tree, int map, const char *name, size_t length,
                               int value)
{
    mcbe_status_t st = MCBE_OK;
    char copy[MCBE_CONFIG_PATH];
    int key = -1;
    int last = -1;
    int old = mcbe_tree_find(tree, map, name, length);
    if (old >= 0) {
        mcbe_node_t *node = &tree->nodes[old];
        mcbe_node_t fresh = tree->nodes[value];
        fresh.key = node->key;
        fresh.next = node->next;
        tree->nodes[value].text = NULL; /* it has moved; what was replaced is freed in its stead */
        mcbe_free(node->text);
        *node = fresh;
        return MCBE_OK;
    }
    snprintf(copy, sizeof copy, "%.*s", (int)length, name);
    MCBE_TRY(add_text(tree, tree->nodes[value].place, copy, &key));
    tree->nodes[value].key = key;
    for (int at = tree->nodes[map].first; at >= 0; at = tree->nodes[at].next) {
        last = at;
    }
    append_child(tree, map, last, value);
out:
    return st;
}

/* The mapping called `name` in `map`, made if there is nothing yet. @param[out] child  -1 if
 * something else has the name: the walk over the tree will tell */
static mcbe_status_t enter_map(mcbe_tree_t *tree, int map, const char *name, size_t length,
                               mcbe_place_t place, int *child)
{
    mcbe_status_t st = MCBE_OK;
    *child = mcbe_tree_find(tree, map, name, length);
    if (*child < 0) {
        MCBE_TRY(add_node(tree, MCBE_NODE_MAP, place, child));
        MCBE_TRY(set_entry(tree, map, name, length, *child));
    } else if (tree->nodes[*child].kind != MCBE_NODE_MAP) {
        *child = -1;
    }
out:
    return st;
}

/* The path in front of '=', without the blanks around it. @return 0 if it is not one */
static int split_override(const char *text, char path[MCBE_CONFIG_PATH], const char **value)
{
    const char *equals = strchr(text, '=');
    if (!equals) {
        return 0;
    }
    size_t from = strspn(text, " ");
    size_t to = (size_t)(equals - text);
    while (to > from && text[to - 1] == ' ') {
        to--;
    }
    if (from >= to || to - from >= MCBE_CONFIG_PATH) {
        return 0;
    }
    memcpy(path, text + from, to - from);
    path[to - from] = '\0';
    *value = equals + 1;
    return path[0] != '.' && path[to - from - 1] != '.' && !strstr(path, "..");
}

mcbe_status_t mcbe_tree_override(mcbe_tree_t *tree, int root, int source, mcbe_report_t *report)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_place_t place = {.source = source};
    char path[MCBE_CONFIG_PATH];
    const char *text = NULL;
    int value = -1;
    int errors = report->errors;
    if (!split_override(report->overrides[source], path, &text)) {
        mcbe_report_add(report, place, NULL, "an override has the form key=value");
        goto out;
    }
    if (strchr(text, '\n') || strchr(text, '\r')) { /* result files keep overrides line by line */
        mcbe_report_add(report, place, NULL, "an override is one line, without line breaks");
        goto out;
    }
    MCBE_TRY(mcbe_tree_read(tree, text, strlen(text), source, path, report, &value));
    if (report->errors > errors) {
        goto out;
    }
    char *name = path;
    for (char *dot = strchr(name, '.'); dot; dot = strchr(name, '.')) {
        MCBE_TRY(enter_map(tree, root, name, (size_t)(dot - name), place, &root));
        if (root < 0) {
            goto out;
        }
        name = dot + 1;
    }
    MCBE_TRY(set_entry(tree, root, name, strlen(name), value));
out:
    return st;
}
