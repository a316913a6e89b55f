#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

static void write_hex(const unsigned char digest[32], char hex[65])
{
    for (int i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

mcbe_status_t mcbe_sha256(const void *data, size_t bytes, char hex[65])
{
    unsigned char digest[32];
    if (!EVP_Digest(data, bytes, digest, NULL, EVP_sha256(), NULL)) {
        return MCBE_ERR_INTERNAL;
    }
    write_hex(digest, hex);
    return MCBE_OK;
}

mcbe_status_t mcbe_sha256_file(const char *path, char hex[65], mcbe_error_t *err)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    unsigned char digest[32], buffer[1 << 16];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t got; good && (got = fread(buffer, 1, sizeof buffer, in)) > 0;) {
        good = EVP_DigestUpdate(context, buffer, got);
    }
    mcbe_status_t st = MCBE_OK;
    if (ferror(in)) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    } else if (!good || !EVP_DigestFinal_ex(context, digest, NULL)) {
        st = mcbe_fail(err, MCBE_ERR_INTERNAL, "libcrypto cannot compute a SHA-256");
    } else {
        write_hex(digest, hex);
    }
    EVP_MD_CTX_free(context);
    fclose(in);
    return st;
}
