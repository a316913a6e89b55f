#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "check.h"

void mcbe_digest_begin(mcbe_digest_t *digest)
{
    digest->context = EVP_MD_CTX_new();
    MCBE_BUG_ASSERT(digest->context && EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) == 1);
}

void mcbe_digest_add(mcbe_digest_t *digest, const void *data, size_t bytes)
{
    MCBE_BUG_ASSERT(EVP_DigestUpdate(digest->context, data, bytes) == 1);
}

void mcbe_digest_end(mcbe_digest_t *digest, char hex[65])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    MCBE_BUG_ASSERT(EVP_DigestFinal_ex(digest->context, value, &length) == 1 && length == 32);
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
    for (size_t i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", value[i]);
    }
}

mcbe_status_t mcbe_digest_file(const char *path, char hex[65], mcbe_error_t *err)
{
    mcbe_digest_t digest;
    unsigned char buffer[1 << 16];
    mcbe_status_t st = MCBE_OK;
    FILE *in = fopen(path, "rb");
    if (!in) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    mcbe_digest_begin(&digest);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;) {
        mcbe_digest_add(&digest, buffer, got);
    }
    if (ferror(in)) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    }
    mcbe_digest_end(&digest, hex);
    fclose(in);
    return st;
}
