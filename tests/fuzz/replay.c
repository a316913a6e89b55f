/* Feeds a fuzz target with files: replay_TARGET FOLDER. */

#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)

static void replay(const char *path, uint8_t *buffer)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        exit(1);
    }
    const size_t size = fread(buffer, 1, INPUT_MAX, in);
    fclose(in);
    uint8_t *exact = malloc(size + (size == 0)); /* so that a read beyond it is seen */
    MCBE_BUG_ASSERT(exact);
    memcpy(exact, buffer, size);
    fprintf(stderr, "%s\n", path); /* the last one is the culprit, if any */
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(INPUT_MAX);
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int count = 0;
    if (!folder || !buffer) {
        fprintf(stderr, "usage: replay_TARGET FOLDER\n");
        return 64;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        struct stat facts;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode)) {
            replay(path, buffer);
            count++;
        }
    }
    closedir(folder);
    free(buffer);
    printf("%d files\n", count);
    return count > 0 ? 0 : 1;
}
