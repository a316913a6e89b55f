#include "reference.h"

#include <string.h>

#include <sys/stat.h>

#include "memory.h"

static int is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && !S_ISDIR(facts.st_mode);
}

mcbe_status_t mcbe_reference_parse(mcbe_reference_t *reference, const char *text)
{
    *reference = (mcbe_reference_t){.path = mcbe_strdup(text)};
    if (!reference->path) {
        return MCBE_ERR_NOMEM;
    }
    char *cut = strchr(reference->path, ':');
    if (!cut || is_file(reference->path)) {
        return MCBE_OK;
    }
    for (char *colon = cut; colon; colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        const int found = is_file(reference->path);
        *colon = ':';
        if (found) {
            cut = colon;
            break;
        }
    }
    *cut = '\0';
    reference->dataset = cut + 1;
    return MCBE_OK;
}

void mcbe_reference_free(mcbe_reference_t *reference)
{
    mcbe_free(reference->path);
    memset(reference, 0, sizeof *reference);
}
