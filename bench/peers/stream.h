// Messages over a stream of bytes, a socket or a pipe: 8 bytes with the length, then the payload. A message leaves with one system call; who reads takes
// as much as there is for many small messages, and reads a long payload straight into its buffer.
#ifndef STREAM_H
#define STREAM_H
#include "peer.h"
#include <sys/uio.h>

enum { STREAM_STAGE = 256 << 10, STREAM_SMALL = 16 << 10 };

// The most that a system call writes or reads of a payload.
static size_t stream_piece = SIZE_MAX;

typedef struct {
    int file;
    char *stage; // read and not yet taken: from 'taken' to 'filled'
    size_t taken, filled;
} stream;

static void stream_open(stream *s, int file) { *s = (stream){.file = file, .stage = peer_buffer(STREAM_STAGE, false)}; }

static void stream_send(int file, const char *payload, size_t bytes)
{
    uint64_t length = bytes;
    struct iovec parts[2] = {{&length, sizeof length}, {(char *)payload, bytes}};
    struct iovec *left = parts, *end = parts + 2;
    while (left < end) {
        // The payload is always the last part.
        size_t rest = end[-1].iov_len;
        if (rest > stream_piece)
            end[-1].iov_len = stream_piece;
        ssize_t n = writev(file, left, (int)(end - left));
        end[-1].iov_len = rest;
        if (n < 0)
            peer_die(PEER_FAILED, "writev: %s", strerror(errno));
        for (; left < end && (size_t)n >= left->iov_len; left++)
            n -= (ssize_t)left->iov_len;
        if (left < end) {
            left->iov_base = (char *)left->iov_base + n;
            left->iov_len -= (size_t)n;
        }
    }
}

static size_t stream_read(const stream *s, char *to, size_t size)
{
    ssize_t n = read(s->file, to, size < stream_piece ? size : stream_piece);
    if (n <= 0)
        peer_die(PEER_FAILED, "read: %s", n == 0 ? "the other is gone" : strerror(errno));
    return (size_t)n;
}

// At least so many bytes are in the stage.
static void stream_fill(stream *s, size_t bytes)
{
    if (s->filled - s->taken >= bytes)
        return;
    memmove(s->stage, s->stage + s->taken, s->filled -= s->taken);
    s->taken = 0;
    while (s->filled < bytes)
        s->filled += stream_read(s, s->stage + s->filled, STREAM_STAGE - s->filled);
}

static void stream_take(stream *s, char *to, size_t bytes)
{
    memcpy(to, s->stage + s->taken, bytes);
    s->taken += bytes;
}

static void stream_receive(stream *s, char *to, size_t bytes)
{
    uint64_t length;
    bool small = bytes <= STREAM_SMALL;
    if (!small && s->filled == s->taken) {
        // What follows the header goes where it belongs in the same call; it ends with this message's last byte.
        struct iovec parts[2] = {{&length, sizeof length}, {to, bytes < stream_piece ? bytes : stream_piece}};
        ssize_t n = readv(s->file, parts, 2);
        if (n < (ssize_t)sizeof length)
            peer_die(PEER_FAILED, "readv: %s", n < 0 ? strerror(errno) : "the other is gone");
        for (size_t have = (size_t)n - sizeof length; have < bytes;)
            have += stream_read(s, to + have, bytes - have);
    } else {
        stream_fill(s, sizeof length);
        stream_take(s, (char *)&length, sizeof length);
        size_t staged = s->filled - s->taken;
        if (small)
            stream_fill(s, staged = bytes);
        else if (staged > bytes)
            staged = bytes;
        stream_take(s, to, staged);
        for (size_t have = staged; have < bytes;)
            have += stream_read(s, to + have, bytes - have);
    }
    if (length != bytes)
        peer_die(PEER_FAILED, "a message of another length");
}
#endif
